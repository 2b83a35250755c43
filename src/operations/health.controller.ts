import { Controller, Get, Header, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiResponse, ApiTags } from '@nestjs/swagger';
import { Answer } from '../access/answer.js';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Health, Liveness } from './health.dto.js';
import { Readiness, Report } from './readiness.service.js';

@ApiTags('Service')
@Controller({ path: 'health', version: VERSION_NEUTRAL })
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  @Endpoint({
    scope: null,
    validated: false,
    summary: 'Say whether the process runs',
    description: 'Looks at nothing else: a database that is away must not get healthy processes restarted.',
    answer: { type: Liveness, description: 'It runs.' },
  })
  @Header('Cache-Control', 'no-store')
  @Get('live')
  readLiveness(): Liveness {
    return { status: 'pass' };
  }

  @ApiResponse({
    status: 503,
    type: Health,
    description: 'It should not: a check failed, and its detail says why.',
    example: { status: 'fail', checks: [{ name: 'postgres', status: 'fail', detail: 'No answer within 2 s.' }] },
  })
  @Endpoint({
    scope: null,
    validated: false,
    summary: 'Say whether the process should get requests',
    description: 'Asks the database, Redis and the posting engine, and waits at most 2 s for each.',
    answer: { type: Health, description: 'It should.' },
  })
  @Header('Cache-Control', 'no-store')
  @Get('ready')
  async readReadiness(): Promise<Answer<Report>> {
    return asAnswer(await this.readiness.report());
  }
}

function asAnswer(report: Report): Answer<Report> {
  return new Answer(report.status === 'fail' ? 503 : 200, report);
}
