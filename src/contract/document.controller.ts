import { Controller, Get, Header, VERSION_NEUTRAL } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Endpoint } from '../access/endpoint.decorator.js';
import { readContract } from './site.reader.js';

/** One for all answers: who asks and does not read keeps no copy of it in our memory. */
let bytes: Promise<Buffer> | undefined;

@ApiTags('Service')
@Controller({ path: 'openapi', version: VERSION_NEUTRAL })
export class DocumentController {
  @Endpoint({
    scope: null,
    validated: false,
    summary: 'Read this document',
    answer: { type: Object, description: 'The contract as OpenAPI 3.1.' },
  })
  @Header('Content-Type', 'application/json; charset=utf-8')
  @Header('Cache-Control', 'public, max-age=300')
  @Header('Access-Control-Allow-Origin', '*')
  @Get('v1.json')
  readDocument(): Promise<Buffer> {
    bytes ??= readContract().then((text) => Buffer.from(text));
    return bytes;
  }
}
