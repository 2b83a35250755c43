import { Body, Controller, Get, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from './answer.js';
import { ClientPage, ClientView, PostClient, PutClient } from './clients.dto.js';
import { ClientsService } from './clients.service.js';
import { Caller, Endpoint, OptionalIfMatch } from './endpoint.decorator.js';
import { PageQuery } from './page.dto.js';
import type { Page } from './page.js';
import { PathCode } from './path.decorator.js';
import type { Expectation } from './precondition.js';
import type { Principal } from './principal.js';

@ApiTags('Access')
@Controller({ path: 'clients', version: '1' })
export class ClientsController {
  constructor(private readonly clients: ClientsService) {}

  @Post()
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Register a client',
    description: 'A key bound to a channel registers clients of its channel only.',
    answer: { type: ClientView, status: 201, description: 'The client.' },
    problems: ['already_exists', 'unknown_channel', 'channel_forbidden'],
  })
  create(@Caller() caller: Principal, @Body() body: PostClient): Promise<Answer<ClientView>> {
    return this.clients.create(caller, body);
  }

  @Get()
  @Endpoint({
    scope: 'admin',
    summary: 'List the clients by code',
    description: 'A key bound to a channel is shown the clients of its channel only.',
    answer: { type: ClientPage, description: 'A page of clients.' },
  })
  list(@Caller() caller: Principal, @Query() query: PageQuery): Promise<Page<ClientView>> {
    return this.clients.list(caller, query);
  }

  @Get(':code')
  @Endpoint({
    scope: 'admin',
    summary: 'Read a client',
    answer: { type: ClientView, description: 'The client.' },
    problems: ['not_found'],
  })
  get(@Caller() caller: Principal, @PathCode('code', 'webshop') code: string): Promise<Answer<ClientView>> {
    return this.clients.get(caller, code);
  }

  @Put(':code')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Change a client: its name, its limits, and from where its keys may be used',
    description:
      'What is left out goes back to its default. It counts at once in every process, within 5 seconds at most.',
    answer: { type: ClientView, description: 'The client.' },
    problems: ['not_found'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathCode('code', 'webshop') code: string,
    @Body() body: PutClient,
    @OptionalIfMatch() expected: Expectation,
  ): Promise<Answer<ClientView>> {
    return this.clients.put(caller, code, body, expected);
  }
}
