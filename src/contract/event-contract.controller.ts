import { Controller, Get, Header, Param, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiParam, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Endpoint } from '../access/endpoint.decorator.js';
import { Documentation } from './documentation.service.js';
import { readAsyncContract } from './site.reader.js';

@ApiTags('Service')
@Controller({ version: VERSION_NEUTRAL })
export class EventContractController {
  constructor(private readonly documentation: Documentation) {}

  @Endpoint({
    scope: null,
    validated: false,
    summary: 'Read what sources send',
    answer: { type: Object, description: 'The contract of events as AsyncAPI 3.1.' },
  })
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  @Header('Access-Control-Allow-Origin', '*')
  @Get('asyncapi/v1.json')
  readAsyncDocument(): Promise<Buffer> {
    return readAsyncContract();
  }

  @Endpoint({
    scope: null,
    summary: 'Read the schema of an event',
    description: 'JSON Schema 2020-12 of one type, with its envelope. Within `.v1` it only comes to take more.',
    answer: { type: Object, description: 'A JSON Schema.' },
    problems: ['not_found'],
  })
  @ApiParam({
    name: 'file',
    description: 'The type of the event, and `.json`.',
    schema: { type: 'string', maxLength: 64, example: 'stock.received.v1.json' },
  } as never)
  @ApiProduces('application/schema+json')
  @Header('Content-Type', 'application/schema+json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=86400')
  @Header('Access-Control-Allow-Origin', '*')
  @Get('schemas/:file')
  readEventSchema(@Param('file') file: string): Promise<Buffer> {
    return this.documentation.eventSchema(file);
  }
}
