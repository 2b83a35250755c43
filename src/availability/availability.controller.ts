import { Body, Controller, Get, Headers, Post, Query } from '@nestjs/common';
import { ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { Caller, Endpoint } from '../access/endpoint.decorator.js';
import { PathSku } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import { isCode, isSku } from '../problems/fields.dto.js';
import {
  AvailabilityOneQuery,
  AvailabilityQueryView,
  AvailabilityView,
  QueryAvailability,
} from './availability.dto.js';
import { AvailabilityService } from './availability.service.js';

@ApiTags('Availability')
@Controller({ path: 'availability', version: '1' })
export class AvailabilityController {
  constructor(private readonly availability: AvailabilityService) {}

  @Get(':sku')
  @Endpoint({
    scope: 'availability:read',
    summary: 'Ask what a channel may promise of an item',
    description: 'Answers 304 when the ETag in If-None-Match still holds.',
    direct: plainlyAsked,
    answer: { type: AvailabilityView },
    problems: ['unknown_sku', 'unknown_channel', 'channel_forbidden', 'stale_availability'],
  })
  @ApiResponse({ status: 304, description: 'Nothing has changed since the ETag of If-None-Match.' })
  @ApiHeader({
    name: 'If-None-Match',
    required: false,
    description: 'The ETag of the answer that is there already.',
    schema: { type: 'string', maxLength: 1024, example: 'W/"5f1d7a84db00d2fc"' },
  })
  getAvailability(
    @Caller() caller: Principal,
    @PathSku() sku: string,
    @Query() query: AvailabilityOneQuery,
    @Headers('if-none-match') ifNoneMatch: string | undefined,
  ) {
    return this.availability.one(caller, sku, query, ifNoneMatch);
  }

  @Post('query')
  @Endpoint({
    scope: 'availability:read',
    direct: plainlyQueried,
    summary: 'Ask for up to 2,000 lines at once, with a sourcing plan',
    description: 'Lines of one SKU share its stock. Nothing is reserved by it.',
    onlyReads: true,
    answer: { type: AvailabilityQueryView },
    problems: ['unknown_channel', 'channel_forbidden'],
  })
  queryAvailability(@Caller() caller: Principal, @Body() body: QueryAvailability) {
    return this.availability.query(caller, body.channel, body.lines);
  }
}

/** Of one SKU, in the channel of the key or in one that is named. */
function plainlyAsked(request: FastifyRequest, caller: Principal): readonly unknown[] | undefined {
  const { sku } = request.params as { sku: string };
  const query = request.query as { channel?: unknown };
  for (const name in query) if (name !== 'channel' || !isCode(query.channel)) return undefined;
  return isSku(sku) ? [caller, sku, query, request.headers['if-none-match']] : undefined;
}

function plainlyQueried({ body }: FastifyRequest, caller: Principal): readonly unknown[] | undefined {
  return QueryAvailability.isPlain(body) ? [caller, body] : undefined;
}
