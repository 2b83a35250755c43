import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, Once } from '../access/endpoint.decorator.js';
import type { Intent } from '../access/idempotency.js';
import type { Page } from '../access/page.js';
import { PathCode, PathId } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import {
  CloseException,
  ExceptionPage,
  ExceptionsQuery,
  ExceptionView,
  NoteOnException,
  ReplayedEventView,
  ReplayedSourceView,
  ReplaySource,
  RetryException,
} from './exceptions.dto.js';
import { ExceptionsService } from './exceptions.service.js';

const ID = 'exc_01jqb6sgw6f5ktk3h5n1v0h8yz';
const PROBLEMS = ['channel_forbidden', 'not_found', 'exception_closed'] as const;

@ApiTags('Exceptions')
@Controller({ path: 'exceptions', version: '1' })
export class ExceptionsController {
  constructor(private readonly exceptions: ExceptionsService) {}

  @Get()
  @Endpoint({
    scope: 'events:manage',
    summary: 'List what could not simply be applied, newest first',
    answer: { type: ExceptionPage, description: 'A page of exceptions.' },
    problems: ['channel_forbidden'],
  })
  list(@Caller() caller: Principal, @Query() query: ExceptionsQuery): Promise<Page<ExceptionView>> {
    return this.exceptions.list(caller, query);
  }

  @Get(':id')
  @Endpoint({
    scope: 'events:manage',
    summary: 'Read an exception and what was done about it',
    answer: { type: ExceptionView, description: 'The exception.' },
    problems: ['channel_forbidden', 'not_found'],
  })
  get(@Caller() caller: Principal, @PathId('id', ID) id: string): Promise<ExceptionView> {
    return this.exceptions.get(caller, id);
  }

  @Post(':id/retry')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Try an event again, also with a corrected payload',
    description:
      'What waits behind it follows in its order. The exception is resolved as soon as the event is applied; until ' +
      'then it says what is wrong.',
    answer: { type: ExceptionView, status: 202, description: 'It is tried again now.' },
    problems: [...PROBLEMS, 'nothing_to_retry', 'mapping_failed'],
    idempotent: true,
  })
  retry(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', ID) id: string,
    @Body() body: RetryException,
  ): Promise<Answer> {
    return this.exceptions.retry(caller, intent, id, body);
  }

  @Post(':id/note')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Write a note beside an exception, and leave it open',
    description: 'It takes the place of the last one; the audit trail has that.',
    answer: { type: ExceptionView, description: 'The exception as it is now.' },
    problems: PROBLEMS,
    idempotent: true,
  })
  note(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', ID) id: string,
    @Body() { note }: NoteOnException,
  ): Promise<Answer> {
    return this.exceptions.note(caller, intent, id, note);
  }

  @Post(':id/resolve')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Say that it was dealt with by hand',
    description: 'The event is not applied any more, and what waits behind it goes on.',
    answer: { type: ExceptionView, description: 'The exception as it is now.' },
    problems: PROBLEMS,
    idempotent: true,
  })
  resolve(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', ID) id: string,
    @Body() { note }: CloseException,
  ): Promise<Answer> {
    return this.exceptions.resolve(caller, intent, id, note);
  }

  @Post(':id/discard')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Throw an event away that is not to be applied',
    description: 'What was sent is kept, and what waits behind it goes on.',
    answer: { type: ExceptionView, description: 'The exception as it is now.' },
    problems: PROBLEMS,
    idempotent: true,
  })
  discard(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', ID) id: string,
    @Body() { note }: CloseException,
  ): Promise<Answer> {
    return this.exceptions.discard(caller, intent, id, note);
  }
}

@ApiTags('Events')
@Controller({ version: '1' })
export class ReplayController {
  constructor(private readonly exceptions: ExceptionsService) {}

  @Post('events/:id/replay')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Apply an event again, as far as it is not applied',
    description: 'An event that was applied, or counted once, stays so: nothing is booked twice.',
    answer: { type: ReplayedEventView, status: 202, description: 'Its state: `received` if it is tried again.' },
    problems: ['channel_forbidden', 'not_found', 'exception_closed'],
    idempotent: true,
  })
  replayEvent(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathId('id', 'evt_01jqb6sgw6f5ktk3h5n1v0h8yz') id: string,
  ): Promise<Answer> {
    return this.exceptions.replayEvent(caller, intent, id);
  }

  @Post('sources/:code/replay')
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Apply the events of a source again since a time, as far as they are not applied',
    answer: { type: ReplayedSourceView, status: 202, description: 'How many are tried again.' },
    problems: ['channel_forbidden', 'not_found'],
    idempotent: true,
  })
  replaySource(
    @Caller() caller: Principal,
    @Once() intent: Intent,
    @PathCode('code', 'wms-east') code: string,
    @Body() { since }: ReplaySource,
  ): Promise<Answer> {
    return this.exceptions.replaySource(caller, intent, code, since);
  }
}
