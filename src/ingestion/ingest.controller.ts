import { Controller, Post } from '@nestjs/common';
import { ApiQuery, ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Endpoint } from '../access/endpoint.decorator.js';
import { PathCode } from '../access/path.decorator.js';
import type { Accepted } from './inbox.service.js';
import { Ingested, type IngestRequest, plainlyIngested } from './ingest.decorator.js';
import { IngestAnswer } from './ingest.dto.js';
import { IngestService } from './ingest.service.js';

const DESCRIPTION = `Needs no key: the body is proved by the signature that the source was set up with. One event, a list or lines of JSON,
CloudEvents one or a batch, or whatever else the profile of the source reads; EDI is an event an interchange. Up to 5 MiB
(also inflated: gzip and deflate are taken) and 10,000 events.

The answer comes once every event is durable. The same event again is a \`duplicate\` and changes nothing; what cannot be
understood is kept as an exception, and takes no other with it. Applying follows at once: GET /v1/events/{id}.`;

@ApiTags('Events')
@Controller({ path: 'ingest', version: '1' })
export class IngestController {
  constructor(private readonly ingest: IngestService) {}

  @Post(':source')
  @Endpoint({
    scope: null,
    summary: 'Send events, signed as their source',
    description: DESCRIPTION,
    raw: {
      'application/cloudevents+json':
        '{"specversion":"1.0","id":"receipt-4711","source":"wms","type":"stock.received.v1","time":"2026-03-01T08:30:00Z",' +
        '"data":{"sku":"CABLE/2M","location":"HAM","quantity":120}}',
    },
    hot: plainlyIngested,
    answer: { type: IngestAnswer, status: 202, description: 'Every event is durable.' },
    problems: [
      'not_found',
      'signature_invalid',
      'timestamp_out_of_tolerance',
      'rate_limited',
      'payload_too_large',
      'unsupported_media_type',
      'overloaded',
    ],
  })
  @ApiQuery({
    name: 'atomic',
    required: false,
    schema: { type: 'boolean', default: false },
    description:
      'All events of the request are applied, with all their rows, or none. Nothing of it is kept (`validation_failed`) where ' +
      'one is no event, or where another body is known under its id.',
  })
  receive(
    @PathCode('source', 'wms-east') source: string,
    @Ingested() request: IngestRequest,
  ): Promise<Answer<{ events: Accepted[] }>> {
    return this.ingest.receive(source, request);
  }
}
