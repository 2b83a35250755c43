import { Body, Controller, Get, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, OptionalIfMatch } from '../access/endpoint.decorator.js';
import { PageQuery } from '../access/page.dto.js';
import type { Page } from '../access/page.js';
import { PathCode } from '../access/path.decorator.js';
import type { Expectation } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import { LocationPage, LocationView, PutLocation } from './locations.dto.js';
import { LocationsService } from './locations.service.js';

@ApiTags('Locations')
@Controller({ path: 'locations', version: '1' })
export class LocationsController {
  constructor(private readonly locations: LocationsService) {}

  @Put(':code')
  @Endpoint({
    scope: 'catalog:write',
    audited: true,
    summary: 'Create a location, or replace all of it',
    description:
      'The same content again changes nothing. Disabling a location takes its stock out of every promise and writes ' +
      'no movement. A key bound to a channel may change the locations of its channel, and create none.',
    answer: { type: LocationView, alsoCreated: true, description: 'The location as it is now.' },
    problems: ['unknown_location'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathCode('code', 'HAM') code: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutLocation,
  ): Promise<Answer<LocationView>> {
    return this.locations.put(caller, code, body, expected);
  }

  @Get()
  @Endpoint({
    scope: 'catalog:read',
    summary: 'List the locations by code',
    description: 'A key bound to a channel is shown the locations of its channel only.',
    answer: { type: LocationPage, description: 'A page of locations.' },
  })
  list(@Caller() caller: Principal, @Query() query: PageQuery): Promise<Page<LocationView>> {
    return this.locations.list(caller, query);
  }

  @Get(':code')
  @Endpoint({
    scope: 'catalog:read',
    summary: 'Read a location',
    answer: { type: LocationView, description: 'The location.' },
    problems: ['unknown_location'],
  })
  get(@Caller() caller: Principal, @PathCode('code', 'HAM') code: string): Promise<Answer<LocationView>> {
    return this.locations.get(caller, code);
  }
}
