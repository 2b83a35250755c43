import { ApiProperty } from '@nestjs/swagger';
import type { SourceHealth } from './source-health.repository.js';

class Backlog {
  @ApiProperty({ type: 'integer', example: 0, description: 'Still to be applied.' })
  received: number;
  @ApiProperty({ type: 'integer', example: 2, description: 'Waiting for something to appear or be repaired.' })
  parked: number;
}

export class SourceHealthView {
  @ApiProperty({ example: 'wms-east' })
  source: string;
  @ApiProperty({
    type: 'string',
    format: 'date-time',
    nullable: true,
    example: '2026-03-01T08:30:00.000Z',
    description: 'When a body of it was last accepted, to within a second.',
  })
  lastHeardAt: string | null;
  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, example: '2026-03-01T08:30:00.000Z' })
  lastEventAt: string | null;
  @ApiProperty({ type: 'integer', nullable: true, example: 3_600 })
  freshnessSeconds: number | null;
  @ApiProperty({
    example: false,
    description: 'It has been silent for longer than its budget, since it was set up if it was never heard.',
  })
  stale: boolean;
  @ApiProperty({ example: 0, description: 'Age of the oldest event that is still to be applied.' })
  lagSeconds: number;
  @ApiProperty({ type: Backlog })
  backlog: Backlog;
  @ApiProperty({ type: 'integer', example: 2 })
  exceptionsOpen: number;
  @ApiProperty({ type: 'integer', example: 118, description: 'Of the last 60 seconds.' })
  eventsPerMinute: number;
}

/** `now`: milliseconds since 1970. As availability has it: one that was never heard of counts from when it was set up. */
export function isStale({ freshnessSeconds, lastHeardAt, createdAt }: SourceHealth, now: number): boolean {
  return freshnessSeconds !== null && now - (lastHeardAt ?? createdAt) >= freshnessSeconds * 1_000;
}

/** `now`: milliseconds since 1970. */
export function viewSourceHealth(health: SourceHealth, now: number): SourceHealthView {
  const { source, freshnessSeconds, lastHeardAt, lastEventAt, waitingSince, received, parked } = health;
  return {
    source,
    lastHeardAt: lastHeardAt === null ? null : new Date(lastHeardAt).toISOString(),
    lastEventAt: lastEventAt === null ? null : new Date(lastEventAt).toISOString(),
    freshnessSeconds,
    stale: isStale(health, now),
    lagSeconds: waitingSince === null ? 0 : Math.max(0, now - waitingSince) / 1_000,
    backlog: { received, parked },
    exceptionsOpen: health.exceptionsOpen,
    eventsPerMinute: health.eventsPerMinute,
  };
}
