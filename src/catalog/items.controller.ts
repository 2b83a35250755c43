import { Body, Controller, Delete, Get, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, OptionalIfMatch } from '../access/endpoint.decorator.js';
import type { Page } from '../access/page.js';
import { PathSku } from '../access/path.decorator.js';
import type { Expectation } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import { ItemPage, ItemsQuery, ItemView, PutItem } from './items.dto.js';
import { ItemsService } from './items.service.js';

@ApiTags('Items')
@Controller({ path: 'items', version: '1' })
export class ItemsController {
  constructor(private readonly items: ItemsService) {}

  @Put(':sku')
  @Endpoint({
    scope: 'catalog:write',
    audited: true,
    summary: 'Create an item, or replace all of it',
    description:
      'The same content again changes nothing. The base unit cannot change, nor `fractionDigits` fall, once there are ' +
      'quantities of the item; the factor of another unit can. An item that was deleted comes back with its ledger.',
    answer: { type: ItemView, alsoCreated: true, description: 'The item as it is now.' },
    problems: ['in_use', 'identifier_taken'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathSku() sku: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutItem,
  ): Promise<Answer<ItemView>> {
    return this.items.put(caller, sku, body, expected);
  }

  @Get()
  @Endpoint({
    scope: 'catalog:read',
    summary: 'List the items by SKU',
    answer: { type: ItemPage, description: 'A page of items.' },
  })
  list(@Query() query: ItemsQuery): Promise<Page<ItemView>> {
    return this.items.list(query);
  }

  @Get(':sku')
  @Endpoint({
    scope: 'catalog:read',
    summary: 'Read an item',
    answer: { type: ItemView, description: 'The item.' },
    problems: ['unknown_sku'],
  })
  get(@PathSku() sku: string): Promise<Answer<ItemView>> {
    return this.items.get(sku);
  }

  @Delete(':sku')
  @Endpoint({
    scope: 'catalog:write',
    audited: true,
    summary: 'Delete an item nobody has or waits for',
    description:
      'Refused while any figure of it is other than 0, safety stock included, or a hold or commitment is open. Its ' +
      'ledger stays; its units, identifiers and channel rules go.',
    answer: { status: 204, description: 'The item is gone.' },
    problems: ['unknown_sku', 'in_use'],
    ifMatch: 'optional',
  })
  remove(@Caller() caller: Principal, @PathSku() sku: string, @OptionalIfMatch() expected: Expectation): Promise<void> {
    return this.items.remove(caller, sku, expected);
  }
}
