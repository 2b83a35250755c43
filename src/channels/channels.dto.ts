import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsIn,
  IsInt,
  IsObject,
  IsOptional,
  Matches,
  Max,
  Min,
  ValidateIf,
  ValidateNested,
} from 'class-validator';
import { RateLimitDto } from '../access/rate-limit.dto.js';
import { IsQuantity } from '../catalog/quantity.dto.js';
import { parseQuantity, Quantity, toNumber } from '../catalog/quantity.js';
import { CODE, IsText } from '../problems/fields.dto.js';
import {
  Channel,
  ChannelContent,
  ChannelItemContent,
  LONGEST_HOLD_SECONDS,
  SOURCINGS,
  STALE_POLICIES,
  type StalePolicy,
} from './channel.js';
import type { Sourcing } from './directory.js';

/** The whole of a channel: what is left out takes its default. */
export class PutChannel {
  @ApiProperty({ example: 'Web shop', maxLength: 200 })
  @IsText(200)
  name: string;

  @ApiProperty({
    type: [String],
    example: ['HAM', 'MUC'],
    description: 'The codes of the locations it sells from, in sourcing order.',
  })
  @IsArray()
  @ArrayMaxSize(1_000)
  @Matches(CODE, { each: true, message: 'each of $property takes the code of a location' })
  locations: string[];

  @ApiProperty({
    enum: SOURCINGS,
    example: 'listed_order',
    description:
      '`listed_order`: the first location first. `fullest_first`: the one with most first. ' +
      '`single_location`: a line comes from one location or not at all.',
  })
  @IsIn(SOURCINGS)
  sourcing: Sourcing;

  @ApiPropertyOptional({
    type: 'integer',
    default: 0,
    minimum: -1_000_000,
    maximum: 1_000_000,
    description:
      'When a count leaves less than is reserved, the reservations of the lowest priority are uncovered first.',
  })
  @IsInt()
  @Min(-1_000_000)
  @Max(1_000_000)
  priority: number = 0;

  @ApiPropertyOptional({ default: 0, description: 'Withheld from this channel only, of each item, in its base unit.' })
  @IsQuantity({ zero: true })
  buffer: number = 0;

  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    default: 0,
    description: 'How far past what is there it may reserve, of each item; 0: not at all, null: without limit.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsQuantity({ zero: true })
  backorderLimit: number | null = 0;

  @ApiPropertyOptional({
    type: 'integer',
    default: 900,
    minimum: 1,
    maximum: LONGEST_HOLD_SECONDS,
    description: 'How long a hold lasts that does not say; at most maxHoldTtlSeconds.',
  })
  @IsInt()
  @Min(1)
  @Max(LONGEST_HOLD_SECONDS)
  holdTtlSeconds: number = 900;

  @ApiPropertyOptional({
    type: 'integer',
    default: 86_400,
    minimum: 1,
    maximum: LONGEST_HOLD_SECONDS,
    description: 'How old a hold may become, extensions included.',
  })
  @IsInt()
  @Min(1)
  @Max(LONGEST_HOLD_SECONDS)
  maxHoldTtlSeconds: number = 86_400;

  @ApiPropertyOptional({
    type: 'integer',
    nullable: true,
    default: null,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Holds that one client may have open on one item; one more is refused with `hold_cap_reached`. null: any number.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  maxOpenHolds: number | null = null;

  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    default: null,
    description:
      'How much of one item one client may hold, over all its open holds, in its base unit. null: any amount.',
  })
  @ValidateIf((_, value) => value !== null)
  @IsQuantity()
  maxHeldQuantity: number | null = null;

  @ApiPropertyOptional({ type: RateLimitDto })
  @IsOptional()
  @IsObject() // which a list is not; ValidateNested alone would take an empty one
  @ValidateNested()
  @Type(() => RateLimitDto)
  rateLimit?: RateLimitDto;

  @ApiPropertyOptional({
    enum: STALE_POLICIES,
    default: 'serve',
    description:
      'What to answer from a source that has been silent too long: the figure, less staleBuffer, or nothing.',
  })
  @IsIn(STALE_POLICIES)
  stalePolicy: StalePolicy = 'serve';

  @ApiPropertyOptional({ default: 0, description: 'Withheld in addition while the source is silent.' })
  @IsQuantity({ zero: true })
  staleBuffer: number = 0;
}

export class ChannelView extends PutChannel {
  @ApiProperty({ example: 'web' })
  code: string;

  @ApiProperty({ type: 'integer', example: 3, description: 'Raised by every change; the ETag.' })
  version: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-03-02T09:00:00.000Z' })
  updatedAt: string;
}

export class ChannelPage {
  @ApiProperty({ type: [ChannelView] })
  data: ChannelView[];

  @ApiProperty({ type: 'string', nullable: true, example: null })
  nextCursor: string | null;
}

/** What one channel does otherwise with one item; what is left out is as in the channel. */
export class PutChannelItem {
  @ApiPropertyOptional({ example: 5, description: 'Withheld of this item instead of the buffer of the channel.' })
  @ValidateIf((_, value) => value !== undefined)
  @IsQuantity({ zero: true })
  buffer?: number;

  @ApiPropertyOptional({
    type: 'number',
    nullable: true,
    example: 100,
    description: 'For this item instead of the limit of the channel; 0: none, null: without limit.',
  })
  @ValidateIf((_, value) => value !== undefined && value !== null)
  @IsQuantity({ zero: true })
  backorderLimit?: number | null;
}

export class ChannelItemView extends PutChannelItem {
  @ApiProperty({ example: 'web' })
  channel: string;

  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;

  @ApiProperty({ type: 'integer', example: 1, description: 'Raised by every change; the ETag.' })
  version: number;
}

/** The body as content. Its quantities have passed validation. */
export function readChannel(body: PutChannel): ChannelContent {
  const { name, locations, sourcing, priority, holdTtlSeconds, maxHoldTtlSeconds, stalePolicy, rateLimit } = body;
  return {
    name,
    locations,
    sourcing,
    priority,
    buffer: parseQuantity(body.buffer) as Quantity,
    backorderLimit: body.backorderLimit === null ? null : (parseQuantity(body.backorderLimit) as Quantity),
    holdTtlSeconds,
    maxHoldTtlSeconds,
    rateLimit: rateLimit ?? null,
    stalePolicy,
    staleBuffer: parseQuantity(body.staleBuffer) as Quantity,
    maxOpenHolds: body.maxOpenHolds,
    maxHeldQuantity: body.maxHeldQuantity === null ? null : (parseQuantity(body.maxHeldQuantity) as Quantity),
  };
}

export function viewChannel(channel: Channel): ChannelView {
  const { backorderLimit, rateLimit } = channel;
  return {
    code: channel.code,
    name: channel.name,
    locations: [...channel.locations],
    sourcing: channel.sourcing,
    priority: channel.priority,
    buffer: toNumber(channel.buffer),
    backorderLimit: backorderLimit === null ? null : toNumber(backorderLimit),
    holdTtlSeconds: channel.holdTtlSeconds,
    maxHoldTtlSeconds: channel.maxHoldTtlSeconds,
    ...(rateLimit === null ? {} : { rateLimit }),
    stalePolicy: channel.stalePolicy,
    staleBuffer: toNumber(channel.staleBuffer),
    maxOpenHolds: channel.maxOpenHolds,
    maxHeldQuantity: channel.maxHeldQuantity === null ? null : toNumber(channel.maxHeldQuantity),
    version: channel.version,
    createdAt: channel.createdAt.toISOString(),
    updatedAt: channel.updatedAt.toISOString(),
  };
}

/** The body as content. Its quantities have passed validation. */
export function readChannelItem({ buffer, backorderLimit }: PutChannelItem): ChannelItemContent {
  return {
    buffer: buffer === undefined ? undefined : (parseQuantity(buffer) as Quantity),
    backorderLimit: typeof backorderLimit === 'number' ? (parseQuantity(backorderLimit) as Quantity) : backorderLimit,
  };
}

export function viewChannelItem(
  channel: string,
  sku: string,
  { buffer, backorderLimit, version }: ChannelItemContent & { version: number },
): ChannelItemView {
  return {
    channel,
    sku,
    ...(buffer === undefined ? {} : { buffer: toNumber(buffer) }),
    ...(backorderLimit === undefined
      ? {}
      : { backorderLimit: backorderLimit === null ? null : toNumber(backorderLimit) }),
    version,
  };
}
