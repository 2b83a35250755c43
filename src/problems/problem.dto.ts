import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import { PROBLEMS } from './problem.js';

/** One thing that is wrong with a request. */
@ApiSchema({ name: 'FieldError' })
export class FieldErrorView {
  @ApiPropertyOptional({ example: '/lines/0/quantity', description: 'JSON pointer into the body (RFC 6901).' })
  pointer?: string;

  @ApiPropertyOptional({ example: 'limit', description: 'Name of a path, query or header parameter.' })
  parameter?: string;

  @ApiProperty({ example: 'is_quantity' })
  code: string;

  @ApiProperty({ example: 'quantity takes a quantity above 0' })
  detail: string;
}

/** One line that could not be had. */
@ApiSchema({ name: 'Shortage' })
export class ShortageView {
  @ApiProperty({ type: 'integer', minimum: 1, example: 1, description: 'Counts from 1.' })
  line: number;

  @ApiProperty({ example: 'CABLE/2M' })
  sku: string;

  @ApiProperty({ example: 13 })
  requested: number;

  @ApiProperty({ example: 10, description: 'What was left for this line, in its unit.' })
  available: number;

  @ApiProperty({ enum: ['insufficient', 'not_carried', 'not_stocked', 'no_single_location'] })
  reason: string;
}

/** What one client may hold of one item. */
@ApiSchema({ name: 'Cap' })
export class CapView {
  @ApiProperty({ enum: ['maxOpenHolds', 'maxHeldQuantity'], example: 'maxOpenHolds' })
  name: string;

  @ApiProperty({ example: 'WIDGET-1' })
  sku: string;

  @ApiProperty({ example: 3 })
  most: number;

  @ApiProperty({ example: 3, description: 'By this client in this channel: holds, or units of the item.' })
  held: number;
}

/** An error, on every path and for every status from 400: `application/problem+json` (RFC 9457). */
@ApiSchema({ name: 'Problem' })
export class ProblemView {
  @ApiProperty({ format: 'uri-reference', example: '/problems/insufficient_stock', description: 'A page about it.' })
  type: string;

  @ApiProperty({ example: 'Not enough stock' })
  title: string;

  @ApiProperty({ type: 'integer', minimum: 400, maximum: 599, example: 409 })
  status: number;

  @ApiProperty({
    example: '1 line is short. Ask for less, or use mode partial.',
    description: 'What happened and what to do, for a person.',
  })
  detail: string;

  @ApiProperty({ format: 'uri-reference', example: '/v1/reservations', description: 'The path that was called.' })
  instance: string;

  @ApiProperty({
    example: 'insufficient_stock',
    description: 'Stable. The list grows: take a code you do not know by its status.',
    'x-extensible-enum': Object.keys(PROBLEMS).sort(),
  } as never)
  code: string;

  @ApiProperty({ example: '0b9f4f43-6c1e-4b39-9d3e-5f6f3c1f2a77', description: 'X-Request-Id; finds it in our log.' })
  requestId: string;

  @ApiPropertyOptional({ type: [FieldErrorView], description: 'What is wrong, a field or parameter each.' })
  errors?: FieldErrorView[];

  @ApiPropertyOptional({ type: [ShortageView], description: 'With `insufficient_stock`: every line that is short.' })
  shortages?: ShortageView[];

  @ApiPropertyOptional({ example: 'reservations:write', description: 'With `scope_required`: the scope to ask for.' })
  requiredScope?: string;

  @ApiPropertyOptional({
    type: [String],
    example: ['channel-burst'],
    description: 'With `rate_limited`: the policies of `RateLimit-Policy` that were violated.',
  })
  violatedPolicies?: string[];

  @ApiPropertyOptional({ type: CapView, description: 'With `hold_cap_reached`: which cap.' })
  cap?: CapView;

  @ApiPropertyOptional({
    type: 'integer',
    minimum: 1,
    example: 1,
    description: 'With `exceeds_hold` and `exceeds_commitment`: the line, counted from 1.',
  })
  line?: number;

  @ApiPropertyOptional({
    example: 10,
    description: 'With `insufficient_stock` of one position: what is there in that condition, in the base unit.',
  })
  available?: number;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-03-02T08:30:00.000Z',
    description: 'With `hold_limit_reached`: until when the hold may last.',
  })
  latest?: string;

  @ApiPropertyOptional({ example: 'HAM', description: 'With `stale_availability`: whose source is silent.' })
  location?: string;

  @ApiPropertyOptional({
    format: 'date-time',
    example: '2026-03-01T08:30:00.000Z',
    description: 'With `stale_availability`: when its source was last heard.',
  })
  asOf?: string;
}
