import { Controller, Get, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { AuditEntryView, AuditPage, AuditQuery } from './audit.dto.js';
import { AuditTrail } from './audit.service.js';
import { Caller, Endpoint } from './endpoint.decorator.js';
import type { Page } from './page.js';
import type { Principal } from './principal.js';

@ApiTags('Access')
@Controller({ path: 'audit', version: '1' })
export class AuditController {
  constructor(private readonly audit: AuditTrail) {}

  @Get()
  @Endpoint({
    scope: 'admin',
    summary: 'Read who changed what, newest first',
    description:
      'Every change of clients, keys, channels, catalogue, sources and profiles, every change of stock by hand, every ' +
      'import and exception dealt with, and every refusal for want of a scope, for another channel or address. A key ' +
      'bound to a channel is shown what clients of its channel did.',
    answer: { type: AuditPage, description: 'A page of the audit trail.' },
  })
  listAuditEntries(@Caller() caller: Principal, @Query() query: AuditQuery): Promise<Page<AuditEntryView>> {
    return this.audit.list(caller, query);
  }
}
