import { ApiProperty } from '@nestjs/swagger';
import { IsInt, Max, Min } from 'class-validator';

/** What a channel or a client may ask of the service, in units of work, or a source send, in events. */
export class RateLimitDto {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 10_000_000,
    example: 6_000,
    description:
      'Units a minute. Reading costs 1, a change 5, each line of a body 1 for every ten locations of the channel; an event 1.',
  })
  @IsInt()
  @Min(1)
  @Max(10_000_000)
  requestsPerMinute: number;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: 1_000_000,
    example: 200,
    description: 'Units that may come at once; they are back within ten seconds, or as fast as the minute gives them.',
  })
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  burst: number;
}
