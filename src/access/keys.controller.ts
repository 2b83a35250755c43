import { Body, Controller, Delete, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from './answer.js';
import { Caller, Endpoint } from './endpoint.decorator.js';
import { KeyPage, KeyView, NewKeyView, PostKey } from './keys.dto.js';
import { KeysService } from './keys.service.js';
import { PageQuery } from './page.dto.js';
import type { Page } from './page.js';
import { PathCode, PathId } from './path.decorator.js';
import type { Principal } from './principal.js';

@ApiTags('Access')
@Controller({ version: '1' })
export class KeysController {
  constructor(private readonly keys: KeysService) {}

  @Post('clients/:code/keys')
  @Endpoint({
    scope: 'admin',
    summary: 'Make a key for a client',
    description: 'The key is in this answer only: we keep its hash. Make a second key before the first one expires.',
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

  @Delete('keys/:id')
  @Endpoint({
    scope: 'admin',
    summary: 'Revoke a key',
    description:
      'It is refused at once by the process that answers, and within 5 seconds by every other. Revoking it again ' +
      'changes nothing and answers 204, so it is safe to repeat.',
    answer: { status: 204, description: 'The key is revoked.' },
    problems: ['not_found'],
  })
  revoke(@Caller() caller: Principal, @PathId('id', 'key_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string): Promise<void> {
    return this.keys.revoke(caller, id);
  }
}
