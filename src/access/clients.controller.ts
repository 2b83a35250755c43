import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from './answer.js';
import { ClientPage, ClientView, PostClient } from './clients.dto.js';
import { ClientsService } from './clients.service.js';
import { Caller, Endpoint } from './endpoint.decorator.js';
import { PageQuery } from './page.dto.js';
import type { Page } from './page.js';
import { PathCode } from './path.decorator.js';
import type { Principal } from './principal.js';

@ApiTags('Access')
@Controller({ path: 'clients', version: '1' })
export class ClientsController {
  constructor(private readonly clients: ClientsService) {}

  @Post()
  @Endpoint({
    scope: 'admin',
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
}
