import { ApiProperty } from '@nestjs/swagger';

const STATUSES = ['pass', 'warn', 'fail'] as const;

/** The process runs. */
export class Liveness {
  @ApiProperty({ enum: ['pass'] })
  status: 'pass';
}

/** One thing the service needs. */
export class HealthCheck {
  @ApiProperty({ example: 'durability', description: 'What was looked at.' })
  name: string;

  @ApiProperty({ enum: STATUSES, description: '`warn` is worth a look; only `fail` makes the answer a 503.' })
  status: (typeof STATUSES)[number];

  @ApiProperty({
    example: 'fsync, full_page_writes and synchronous_commit are on.',
    description: 'What was found and, unless all is well, what to do about it.',
  })
  detail: string;
}

/** Whether this process should get requests. */
export class Health {
  @ApiProperty({ enum: STATUSES, description: 'The worst of all checks.' })
  status: (typeof STATUSES)[number];

  @ApiProperty({ type: [HealthCheck] })
  checks: HealthCheck[];
}
