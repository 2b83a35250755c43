import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, Endpoint } from '../access/endpoint.decorator.js';
import type { Page } from '../access/page.js';
import { PathId } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import { EventPage, type EventSummary, EventsQuery, EventView } from './events.dto.js';
import { EventsService } from './events.service.js';

const SCOPES = ['events:read', 'events:manage'] as const;

@ApiTags('Events')
@Controller({ path: 'events', version: '1' })
export class EventsController {
  constructor(private readonly events: EventsService) {}

  @Get()
  @Endpoint({
    scope: SCOPES,
    summary: 'List events, newest first',
    answer: { type: EventPage, description: 'A page of events, without their payloads.' },
    problems: ['channel_forbidden'],
  })
  list(@Caller() caller: Principal, @Query() query: EventsQuery): Promise<Page<EventSummary>> {
    return this.events.list(caller, query);
  }

  @Get(':id')
  @Endpoint({
    scope: SCOPES,
    summary: 'Read an event: what was sent, how it was proved, what it became and what it changed',
    answer: { type: EventView, description: 'The event.' },
    problems: ['channel_forbidden', 'not_found'],
  })
  get(@Caller() caller: Principal, @PathId('id', 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string): Promise<EventView> {
    return this.events.get(caller, id);
  }
}
