import { Body, Controller, Get, Headers, Post, Query } from '@nestjs/common';
import { ApiHeader, ApiResponse, ApiTags } from '@nestjs/swagger';
import { Caller, Endpoint, type HotRequest } from '../access/endpoint.decorator.js';
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
    hot: plainlyAsked,
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
    hot: plainlyQueried,
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
function plainlyAsked({ parameter: sku, query, headers }: HotRequest, caller: Principal) {
  const channel = /^channel=([\w.-]+)$/.exec(query)?.[1];
  if (!isSku(sku) || (query !== '' && !isCode(channel))) return undefined;
  return [caller, sku, channel === undefined ? {} : { channel }, headers['if-none-match']];
}

function plainlyQueried({ query, body }: HotRequest, caller: Principal) {
  return query === '' && QueryAvailability.isPlain(body) ? [caller, body] : undefined;
}
