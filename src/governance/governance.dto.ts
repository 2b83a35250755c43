import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FACTS, type FactKind } from '../ingestion/ownership.js';

/** Who is believed for one fact of one location. */
export class RecordOwnerView {
  @ApiProperty({ example: 'HAM', description: 'The code of a location; `*`: every one that no other entry names.' })
  location: string;

  @ApiProperty({ enum: FACTS, example: 'on_hand' })
  fact: FactKind;

  @ApiProperty({ example: 'wms-east', description: 'The source that owns it. What others say of it is parked.' })
  source: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-03-01T00:00:00.000Z',
    description: 'Left out: since ever.',
  })
  from?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-12-31T22:00:00.000Z',
    description: 'When another takes it over.',
  })
  until?: string;
}

/** How one objective is doing. */
export class ObjectiveView {
  @ApiProperty({ example: 'reservation_latency' })
  id: string;

  @ApiProperty({ example: '99 % of reservations are decided within 100 ms.' })
  promise: string;

  @ApiProperty({ example: 0.99, description: 'In `unit`; a share is from 0 to 1.' })
  target: number;

  @ApiProperty({ enum: ['share', 'seconds', 'sources'], example: 'share' })
  unit: string;

  @ApiProperty({
    enum: ['at_least', 'at_most'],
    example: 'at_least',
    description: 'The target is a floor, or a ceiling.',
  })
  bound: string;

  @ApiProperty({ type: 'number', nullable: true, example: 0.9987, description: 'null: nothing was measured yet.' })
  measured: number | null;

  @ApiProperty({ type: 'boolean', nullable: true, example: true, description: 'null: nothing was measured yet.' })
  met: boolean | null;

  @ApiProperty({
    type: 'integer',
    example: 48_211,
    description: 'How many it was measured by: answers, events, exceptions, sources.',
  })
  sample: number;

  @ApiProperty({
    enum: ['process', 'now'],
    example: 'process',
    description: '`process`: what this process answered since `startedAt`. `now`: as it is at `asOf`, whoever answers.',
  })
  window: string;
}

/** Who still calls an operation that is going. */
export class DeprecationUserView {
  @ApiProperty({
    type: 'string',
    nullable: true,
    example: 'webshop',
    description: 'null: whoever called without a key.',
  })
  client: string | null;

  @ApiProperty({ type: 'integer', example: 1204 })
  calls: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:29:00.000Z' })
  lastAt: string;
}

/** One operation that is going. */
export class DeprecationView {
  @ApiProperty({ example: 'listItems', description: 'Its id in the contract.' })
  operation: string;

  @ApiProperty({ example: 'GET' })
  method: string;

  @ApiProperty({ example: '/v1/items' })
  path: string;

  @ApiProperty({ type: 'string', nullable: true, example: '2028-02-01', description: 'Until when it works.' })
  sunset: string | null;

  @ApiProperty({
    type: [DeprecationUserView],
    description: 'In the last 90 days, up to a minute ago; whoever called last stands first.',
  })
  usedBy: DeprecationUserView[];
}

export class GovernanceView {
  @ApiProperty({ format: 'date-time', example: '2026-03-01T08:30:00.000Z' })
  asOf: string;

  @ApiProperty({
    format: 'date-time',
    example: '2026-02-27T04:00:00.000Z',
    description: 'Of the process that answers.',
  })
  startedAt: string;

  @ApiProperty({ type: [RecordOwnerView], description: 'By location and fact, what begins in the future included.' })
  systemOfRecord: RecordOwnerView[];

  @ApiProperty({ type: [ObjectiveView] })
  objectives: ObjectiveView[];

  @ApiProperty({ type: [DeprecationView] })
  deprecations: DeprecationView[];
}
