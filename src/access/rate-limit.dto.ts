import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

/** What a channel or a client may ask of the service. */
export class RateLimitDto {
  @ApiProperty({ type: 'integer', minimum: 1, maximum: 10_000_000, example: 6_000 })
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  requestsPerMinute: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000,
    example: 200,
    description: 'How many may come at once.',
  })
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  burst: number;
}
