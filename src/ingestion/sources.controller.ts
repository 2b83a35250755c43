import { Body, Controller, Get, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, Once, OptionalIfMatch } from '../access/endpoint.decorator.js';
import type { Intent } from '../access/idempotency.js';
import { PageQuery } from '../access/page.dto.js';
import type { Page } from '../access/page.js';
import { PathCode } from '../access/path.decorator.js';
import type { Expectation } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import { SourceHealthView } from './source-health.dto.js';
import { SourceHealthService } from './source-health.service.js';
import { PutSource, RotatedSecretView, RotateSecret, SourcePage, SourceView } from './sources.dto.js';
import { SourcesService } from './sources.service.js';

@ApiTags('Sources')
@Controller({ path: 'sources', version: '1' })
export class SourcesController {
  constructor(
    private readonly sources: SourcesService,
    private readonly health: SourceHealthService,
  ) {}

  @Put(':code')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Set up a source of events, or replace all of it but its secrets',
    description:
      'The answer that creates it shows its secret, once. The same content again changes nothing. Two sources never ' +
      'own the same fact of a location at one time: `from` in the future takes it over at that time.',
    answer: { type: SourceView, alsoCreated: true, description: 'The source as it is now.' },
    problems: ['channel_forbidden', 'unknown_location', 'ownership_conflict'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathCode('code', 'wms-east') code: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutSource,
  ): Promise<Answer<SourceView>> {
    return this.sources.put(caller, code, body, expected);
  }

  @Get()
  @Endpoint({
    scope: 'events:manage',
    summary: 'List the sources by code',
    answer: { type: SourcePage, description: 'A page of sources.' },
    problems: ['channel_forbidden'],
  })
  list(@Caller() caller: Principal, @Query() query: PageQuery): Promise<Page<SourceView>> {
    return this.sources.list(caller, query);
  }

  @Get(':code')
  @Endpoint({
    scope: 'events:manage',
    summary: 'Read a source',
    answer: { type: SourceView, description: 'The source, without its secrets.' },
    problems: ['channel_forbidden', 'not_found'],
  })
  get(@Caller() caller: Principal, @PathCode('code', 'wms-east') code: string): Promise<Answer<SourceView>> {
    return this.sources.get(caller, code);
  }

  @Get(':code/health')
  @Endpoint({
    scope: ['events:read', 'events:manage'],
    summary: 'Ask how a source is doing',
    description: 'Its events of all time are not counted, only what is open: /metrics shows the same figures.',
    answer: { type: SourceHealthView, description: 'When it was heard of, and what of it waits.' },
    problems: ['channel_forbidden', 'not_found'],
  })
  readHealth(@Caller() caller: Principal, @PathCode('code', 'wms-east') code: string): Promise<SourceHealthView> {
    return this.health.get(caller, code);
  }

  @Post(':code/rotate-secret')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Give a source a new secret',
    description:
      'The new one is good at once in the process that answers, and within 5 seconds in every other. The current one ' +
      'stays good for `overlapSeconds`; one that still was before it ends now, so at most two are good at a time.',
    answer: { type: RotatedSecretView, status: 201, description: 'The new secret.' },
    problems: ['channel_forbidden', 'not_found'],
    idempotent: true,
  })
  rotate(
    @Caller() caller: Principal,
    @PathCode('code', 'wms-east') code: string,
    @Once() intent: Intent,
    @Body() body: RotateSecret,
  ): Promise<Answer<RotatedSecretView>> {
    return this.sources.rotate(caller, code, body, intent);
  }
}
