import { Body, Controller, Delete, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from './answer.js';
import { Caller, Endpoint, Once } from './endpoint.decorator.js';
import type { Intent } from './idempotency.js';
import { KeyPage, KeysQuery, KeyView, NewKeyView, PostKey, RotateKey, SuccessorView } from './keys.dto.js';
import { KeysService } from './keys.service.js';
import { PageQuery } from './page.dto.js';
import type { Page } from './page.js';
import { PathCode, PathId } from './path.decorator.js';
import type { Principal } from './principal.js';

const KEY_ID = 'key_01jqb6sgw6f5ktk3h5n1v0h8yz';

@ApiTags('Access')
@Controller({ version: '1' })
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Post('clients/:code/keys')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Make a key for a client',
    description: 'The key is in this answer only: we keep its hash. Rotate it before it expires.',
    answer: { type: NewKeyView, status: 201, description: 'The key, once.' },
    problems: ['not_found'],
  })
  create(
    @Caller() caller: Principal,
    @PathCode('code', 'webshop') code: string,
    @Body() body: PostKey,
  ): Promise<Answer<NewKeyView>> {
    return this.keys.create(caller, code, body);
  }

  @Get('clients/:code/keys')
  @Endpoint({
    scope: 'admin',
    summary: 'List the keys of a client, oldest first',
    description: 'Expired keys included, revoked ones not.',
    answer: { type: KeyPage, description: 'A page of keys, without the keys themselves.' },
    problems: ['not_found'],
  })
  list(
    @Caller() caller: Principal,
    @PathCode('code', 'webshop') code: string,
    @Query() query: PageQuery,
  ): Promise<Page<KeyView>> {
    return this.keys.list(caller, code, query);
  }

  @Get('keys')
  @Endpoint({
    scope: 'admin',
    summary: 'Find keys by how they start, of all clients, oldest first',
    description: 'For a key that was found where it does not belong. Expired keys included, revoked ones not.',
    answer: { type: KeyPage, description: 'A page of keys, without the keys themselves.' },
  })
  findKeys(@Caller() caller: Principal, @Query() query: KeysQuery): Promise<Page<KeyView>> {
    return this.keys.find(caller, query);
  }

  @Get('keys/:id')
  @Endpoint({
    scope: 'admin',
    summary: 'Read a key, without the key itself',
    answer: { type: KeyView, description: 'The key.' },
    problems: ['not_found'],
  })
  get(@Caller() caller: Principal, @PathId('id', KEY_ID) id: string): Promise<KeyView> {
    return this.keys.get(caller, id);
  }

  @Post('keys/:id/rotate')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Give a key a successor, and end it after an overlap',
    description:
      'The successor is of the same client and has the same scopes. Both are good during the overlap, so that the ' +
      'caller changes over without an interruption; then the old one is refused.',
    answer: { type: SuccessorView, status: 201, description: 'The successor, once.' },
    problems: ['not_found'],
    idempotent: true,
  })
  rotate(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', KEY_ID) id: string,
    @Body() body: RotateKey,
  ): Promise<Answer> {
    return this.keys.rotate(caller, id, body, intent);
  }

  @Delete('keys/:id')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Revoke a key',
    description:
      'It is refused at once by the process that answers, and within 5 seconds by every other. Revoking it again ' +
      'changes nothing and answers 204, so it is safe to repeat.',
    answer: { status: 204, description: 'The key is revoked.' },
    problems: ['not_found'],
  })
  revoke(@Caller() caller: Principal, @PathId('id', KEY_ID) id: string): Promise<void> {
    return this.keys.revoke(caller, id);
  }
}
