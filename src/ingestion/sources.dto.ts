import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform, Type } from 'class-transformer';
import {
  ArrayNotEmpty,
  ArrayUnique,
  IsArray,
  IsDefined,
  IsIn,
  IsInt,
  IsObject,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { RateLimitDto } from '../access/rate-limit.dto.js';
import { IsCode, IsInstant, IsListOf, IsText, Optional } from '../problems/fields.dto.js';
import { QUANTITY_BASES, type QuantityBasis } from './canonical-event.js';
import { FACTS, type FactKind } from './ownership.js';
import {
  ENCODINGS,
  type Encoding,
  type Owns,
  SCHEMES,
  type Scheme,
  type SignatureScheme,
  SOURCE_KINDS,
  type Source,
  type SourceContent,
  type SourceKind,
} from './source.js';
import type { NamedOwnership } from './sources.repository.js';

const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/;
const LOCATION_OR_ALL = /^(?:\*|[A-Za-z0-9][A-Za-z0-9._-]{0,63})$/;
const MOST_OVERLAP_SECONDS = 30 * 86_400;
const SECRET_MOST = 512;

export class SignatureDto {
  @ApiProperty({
    enum: SCHEMES,
    example: 'standard_webhooks',
    description:
      '`standard_webhooks`: as www.standardwebhooks.com has it, in `webhook-id`, `webhook-timestamp` and ' +
      '`webhook-signature`. `hmac_sha256`: over the body, in `header`. `static_header`: `header` is the secret. ' +
      '`basic`: `Authorization: Basic`, the secret being the password.',
  })
  @IsIn(SCHEMES)
  scheme: Scheme;

  @ApiPropertyOptional({ example: 'X-Shopify-Hmac-Sha256', description: 'Of hmac_sha256 and static_header.' })
  @Optional()
  @Matches(HEADER_NAME, { message: '$property takes the name of a header' })
  header?: string;

  @ApiPropertyOptional({ enum: ENCODINGS, default: 'base64', description: 'Of hmac_sha256.' })
  @Optional()
  @IsIn(ENCODINGS)
  encoding?: Encoding;

  @ApiPropertyOptional({ example: 'wms-east', description: 'Of basic; the code of the source unless given.' })
  @Optional()
  @IsText(200)
  username?: string;
}

export class OwnsDto {
  @ApiProperty({ example: 'HAM', description: 'The code of a location; `*`: every one that no other source names.' })
  @Matches(LOCATION_OR_ALL, { message: '$property takes the code of a location, or *' })
  location: string;

  @ApiProperty({ enum: FACTS, isArray: true, example: ['on_hand', 'supply'] })
  @IsArray()
  @ArrayNotEmpty()
  @ArrayUnique()
  @IsIn(FACTS, { each: true })
  facts: FactKind[];

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-12-31T22:00:00Z',
    description:
      'From when; a time in the future takes it over from whoever owns it then. Left out: from now on, or if nobody ' +
      'ever owned it, since ever.',
  })
  @Optional()
  @IsInstant()
  from?: string;
}

/** The whole of a source but its secrets: what is left out takes its default. */
export class PutSource {
  @ApiProperty({ example: 'Warehouse East', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiProperty({ enum: SOURCE_KINDS, example: 'wms' })
  @IsIn(SOURCE_KINDS)
  kind: SourceKind;

  @ApiPropertyOptional({ default: 'canonical', description: 'How its payloads become our events: GET /v1/profiles.' })
  @IsCode()
  profile: string = 'canonical';

  @ApiProperty({ type: SignatureDto })
  @IsDefined()
  @IsObject()
  @ValidateNested()
  @Type(() => SignatureDto)
  signature: SignatureDto;

  @ApiPropertyOptional({ type: [OwnsDto], default: [], description: 'What it says of anything else is parked.' })
  @IsListOf(() => OwnsDto, 1_000)
  owns: OwnsDto[] = [];

  @ApiPropertyOptional({
    enum: QUANTITY_BASES,
    default: 'on_hand',
    description: 'What its absolute figures mean. `available`: what was committed by then is already taken off.',
  })
  @IsIn(QUANTITY_BASES)
  quantityBasis: QuantityBasis = 'on_hand';

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    default: null,
    minimum: 1,
    maximum: 31_536_000,
    description: 'After so long a silence its figures are stale; null: never.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(31_536_000)
  freshnessSeconds: number | null = null;

  @ApiPropertyOptional({
    type: RateLimitDto,
    description: 'In events. Left out: what every source may send, which only one that runs away ever meets.',
  })
  @Optional()
  @IsObject() // which a list is not; ValidateNested alone would take an empty one
  @ValidateNested()
  @Type(() => RateLimitDto)
  rateLimit?: RateLimitDto;

  @ApiPropertyOptional({
    maxLength: SECRET_MOST,
    example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD',
    description: 'Where the sender has chosen it, and only with the first PUT; left out, one is made.',
  })
  @Optional()
  @IsText(SECRET_MOST)
  secret?: string;
}

export class OwnsView {
  @ApiProperty({ example: 'HAM' })
  location: string;

  @ApiProperty({ enum: FACTS, isArray: true })
  facts: FactKind[];

  @ApiPropertyOptional({ format: 'date-time', description: 'Left out: since ever.' })
  from?: string;

  @ApiPropertyOptional({ format: 'date-time', description: 'When another source takes it over.' })
  until?: string;
}

export class SourceView {
  @ApiProperty({ example: 'wms-east' })
  code: string;
  @ApiProperty({ example: 'Warehouse East' })
  name: string;
  @ApiProperty({ enum: SOURCE_KINDS })
  kind: SourceKind;
  @ApiProperty({ example: 'canonical' })
  profile: string;
  @ApiProperty({ type: SignatureDto })
  signature: SignatureDto;
  @ApiProperty({ type: [OwnsView], description: 'Now and in the future.' })
  owns: OwnsView[];
  @ApiProperty({ enum: QUANTITY_BASES })
  quantityBasis: QuantityBasis;
  @ApiProperty({ type: 'integer', nullable: true, example: 3_600 })
  freshnessSeconds: number | null;
  @ApiPropertyOptional({ type: RateLimitDto })
  rateLimit?: RateLimitDto;
  @ApiPropertyOptional({ description: 'In the answer that creates the source only.' })
  secret?: string;
  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    example: '2026-03-02T09:00:00.000Z',
    description: 'To within a second.',
  })
  lastHeardAt: string | null;
  @ApiProperty({ type: 'integer', example: 3, description: 'Raised by every change; the ETag.' })
  version: number;
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;
  @ApiProperty({ format: 'date-time', example: '2026-03-02T09:00:00.000Z' })
  updatedAt: string;
}

export class SourcePage {
  @ApiProperty({ type: [SourceView] })
  data: SourceView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

export class RotateSecret {
  @ApiPropertyOptional({
    type: 'integer',
    default: 86_400,
    minimum: 0,
    maximum: MOST_OVERLAP_SECONDS,
    description: 'How long the secret that was current until now stays good beside the new one.',
  })
  @Transform(({ value }) => value ?? 86_400)
  @IsInt()
  @Min(0)
  @Max(MOST_OVERLAP_SECONDS)
  overlapSeconds: number = 86_400;

  @ApiPropertyOptional({
    maxLength: SECRET_MOST,
    description: 'Where the sender has chosen it; left out, one is made.',
  })
  @Optional()
  @IsText(SECRET_MOST)
  secret?: string;
}

export class RotatedSecretView {
  @ApiProperty({ example: 'sec_01jqb6sgw6f5ktk3h5n1v0h8yz' })
  id: string;

  @ApiProperty({ example: 'whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD', description: 'Once: it is kept encrypted.' })
  secret: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-03-03T09:00:00.000Z',
    description: 'Until then its predecessor is good, too.',
  })
  predecessorUntil: string;
}

/** The body as content. */
export function readSource({ name, kind, profile, signature, quantityBasis, ...rest }: PutSource): SourceContent {
  const { freshnessSeconds, rateLimit } = rest;
  const limit = rateLimit && { requestsPerMinute: rateLimit.requestsPerMinute, burst: rateLimit.burst };
  return {
    ...{ name, kind, profile, quantityBasis, freshnessSeconds },
    signature: readSignature(signature),
    rateLimit: limit ?? null,
  };
}

/** Only what the scheme uses, so that a stray field makes no other source of it. */
function readSignature({ scheme, header, encoding, username }: SignatureDto): SignatureScheme {
  const named = header === undefined ? {} : { header: header.toLowerCase() };
  switch (scheme) {
    case 'hmac_sha256':
      return { scheme, ...named, encoding: encoding ?? 'base64' };
    case 'static_header':
      return { scheme, ...named };
    case 'basic':
      return { scheme, ...(username === undefined ? {} : { username }) };
    default:
      return { scheme };
  }
}

export function readOwns(body: PutSource): Owns[] {
  return body.owns.map(({ location, facts, from }) => ({
    location,
    facts,
    from: from === undefined ? undefined : Date.parse(from),
  }));
}

/** `ownerships`: those of the source that have not ended. */
export function viewSource(source: Source, ownerships: readonly NamedOwnership[], secret?: string): SourceView {
  const { code, name, kind, profile, signature, quantityBasis, freshnessSeconds, rateLimit } = source;
  return {
    ...{ code, name, kind, profile, signature },
    owns: viewOwns(ownerships),
    ...{ quantityBasis, freshnessSeconds },
    ...(rateLimit === null ? {} : { rateLimit }),
    ...(secret === undefined ? {} : { secret }),
    lastHeardAt: source.lastHeardAt?.toISOString() ?? null,
    version: source.version,
    createdAt: source.createdAt.toISOString(),
    updatedAt: source.updatedAt.toISOString(),
  };
}

/** One entry a location and period, as it was asked for. */
function viewOwns(ownerships: readonly NamedOwnership[]): OwnsView[] {
  const entries = new Map<string, OwnsView>();
  for (const { location, fact, from, until } of ownerships) {
    const key = `${location} ${from} ${until}`;
    const entry = entries.get(key) ?? {
      location: location ?? '*',
      facts: [],
      ...(Number.isFinite(from) ? { from: new Date(from).toISOString() } : {}),
      ...(until === null ? {} : { until: new Date(until).toISOString() }),
    };
    entry.facts.push(fact);
    entries.set(key, entry);
  }
  return [...entries.values()];
}
