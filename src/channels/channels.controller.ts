import { Body, Controller, Get, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, OptionalIfMatch } from '../access/endpoint.decorator.js';
import { PageQuery } from '../access/page.dto.js';
import type { Page } from '../access/page.js';
import { PathCode, PathSku } from '../access/path.decorator.js';
import type { Expectation } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import { ChannelItemView, ChannelPage, ChannelView, PutChannel, PutChannelItem } from './channels.dto.js';
import { ChannelsService } from './channels.service.js';

@ApiTags('Channels')
@Controller({ path: 'channels', version: '1' })
export class ChannelsController {
  constructor(private readonly channels: ChannelsService) {}

  @Put(':code')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Create a channel, or replace all of it',
    description:
      'The same content again changes nothing. Every later promise goes by the new content; holds stay as they are. ' +
      'A key bound to a channel cannot: it would choose which locations it sees.',
    answer: { type: ChannelView, alsoCreated: true, description: 'The channel as it is now.' },
    problems: ['channel_forbidden', 'unknown_location'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathCode('code', 'web') code: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutChannel,
  ): Promise<Answer<ChannelView>> {
    return this.channels.put(caller, code, body, expected);
  }

  @Get()
  @Endpoint({
    scope: 'admin',
    summary: 'List the channels by code',
    description: 'A key bound to a channel is shown its own.',
    answer: { type: ChannelPage, description: 'A page of channels.' },
  })
  list(@Caller() caller: Principal, @Query() query: PageQuery): Promise<Page<ChannelView>> {
    return this.channels.list(caller, query);
  }

  @Get(':code')
  @Endpoint({
    scope: 'admin',
    summary: 'Read a channel',
    answer: { type: ChannelView, description: 'The channel.' },
    problems: ['channel_forbidden', 'unknown_channel'],
  })
  get(@Caller() caller: Principal, @PathCode('code', 'web') code: string): Promise<Answer<ChannelView>> {
    return this.channels.get(caller, code);
  }

  @Put(':code/items/:sku')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Say what a channel does otherwise with one item',
    description:
      'In the base unit of the item. What is left out is as in the channel, so `{}` is as if nothing was said.',
    answer: { type: ChannelItemView, alsoCreated: true, description: 'The rule as it is now.' },
    problems: ['channel_forbidden', 'unknown_channel', 'unknown_sku'],
    ifMatch: 'optional',
  })
  putItemRules(
    @Caller() caller: Principal,
    @PathCode('code', 'web') code: string,
    @PathSku() sku: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutChannelItem,
  ): Promise<Answer<ChannelItemView>> {
    return this.channels.putItem(caller, code, sku, body, expected);
  }

  @Get(':code/items/:sku')
  @Endpoint({
    scope: 'admin',
    summary: 'Read what a channel does otherwise with one item',
    description: '404 `not_found` where nothing was said: then the figures of the channel count.',
    answer: { type: ChannelItemView, description: 'The rule.' },
    problems: ['channel_forbidden', 'unknown_channel', 'unknown_sku', 'not_found'],
  })
  getItemRules(
    @Caller() caller: Principal,
    @PathCode('code', 'web') code: string,
    @PathSku() sku: string,
  ): Promise<Answer<ChannelItemView>> {
    return this.channels.getItem(caller, code, sku);
  }
}
