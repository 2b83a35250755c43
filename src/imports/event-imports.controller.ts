import { Controller, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint } from '../access/endpoint.decorator.js';
import type { Principal } from '../access/principal.js';
import { ImportEventsQuery, ImportView } from './imports.dto.js';
import { ImportsService } from './imports.service.js';
import { type Upload, UploadedEvents } from './upload.decorator.js';

const DESCRIPTION = `As if the source had sent them, with a key instead of its signature. The answer comes once the file is safe; then its events
go into the inbox in their order, and are applied from there. GET /v1/imports/{id} says how far it is: \`applied\` counts
what is kept, \`unchanged\` of it what was known before; what cannot be an event is reported with its line, and kept as an
exception.

**NDJSON** is an event a line, as the profile of the source reads it, up to 256 MiB. **CSV** is a snapshot of levels, for a
source with the profile \`canonical\`: \`sku, location, quantity, uom\`, each row a \`stock.counted.v1\` as of \`asOf\`; it zeroes
nothing that it omits, unless it is one complete snapshot of a place: \`complete=true&location=HAM\`. **X12** and **EDIFACT** are an event an interchange, up to 16 MiB, for a profile that reads them.`;

@ApiTags('Events')
@Controller({ path: 'events/import', version: '1' })
export class EventImportsController {
  constructor(private readonly imports: ImportsService) {}

  @Post()
  @Endpoint({
    scope: 'events:manage',
    audited: true,
    summary: 'Bring in a file of events, or of stock levels, of a source',
    description: DESCRIPTION,
    streams: {
      'application/x-ndjson':
        '{"specversion":"1.0","id":"receipt-4711","source":"wms","type":"stock.received.v1",' +
        '"time":"2026-03-01T08:30:00Z","data":{"sku":"CABLE/2M","location":"HAM","quantity":120}}\n',
      'text/csv': 'sku,location,quantity,uom\nCABLE/2M,HAM,120,\n',
      'application/edi-x12':
        'ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *260301*0830*U*00401*000000001*0*P*>~',
      'application/edifact': "UNB+UNOC:3+SENDER+RECEIVER+260301:0830+1'",
    },
    answer: {
      type: ImportView,
      status: 202,
      located: true,
      description: 'Accepted. `Location` says where to ask how far it is.',
    },
    problems: ['channel_forbidden', 'not_found', 'payload_too_large', 'unsupported_media_type'],
    idempotent: true,
  })
  create(
    @Caller() caller: Principal,
    @Query() query: ImportEventsQuery,
    @UploadedEvents() upload: Upload,
  ): Promise<Answer> {
    return this.imports.acceptEvents(caller, query, upload);
  }
}
