import { Body, Controller, Get, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Answer } from '../access/answer.js';
import { Caller, Endpoint, OptionalIfMatch } from '../access/endpoint.decorator.js';
import { PageQuery } from '../access/page.dto.js';
import type { Page } from '../access/page.js';
import { PathCode } from '../access/path.decorator.js';
import type { Expectation } from '../access/precondition.js';
import type { Principal } from '../access/principal.js';
import {
  ProfilePage,
  ProfileQuery,
  type ProfileSummary,
  ProfileView,
  PutProfile,
  TriedView,
  TryProfile,
} from './profiles.dto.js';
import { ProfilesService } from './profiles.service.js';

@ApiTags('Profiles')
@Controller({ path: 'profiles', version: '1' })
export class ProfilesController {
  constructor(private readonly profiles: ProfilesService) {}

  @Put(':name')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Add a mapping profile, or replace all of it',
    description:
      'A profile says in JSONata how the payloads of a vendor become canonical events. Each change is a version, and the ' +
      'ones before are kept; within 2 seconds every process maps by the new one. The same content again changes nothing. ' +
      'The shipped profiles stay as they are: stand your own on one of them with `base`.',
    answer: { type: ProfileView, alsoCreated: true, description: 'The profile as it is now.' },
    problems: ['already_exists', 'channel_forbidden'],
    ifMatch: 'optional',
  })
  put(
    @Caller() caller: Principal,
    @PathCode('name', 'our-shop') name: string,
    @OptionalIfMatch() expected: Expectation,
    @Body() body: PutProfile,
  ): Promise<Answer<ProfileView>> {
    return this.profiles.put(caller, name, body, expected);
  }

  @Get()
  @Endpoint({
    scope: ['events:read', 'events:manage'],
    summary: 'List the mapping profiles by name, shipped and your own',
    answer: { type: ProfilePage, description: 'A page of profiles.' },
  })
  list(@Query() query: PageQuery): Promise<Page<ProfileSummary>> {
    return this.profiles.list(query);
  }

  @Get(':name')
  @Endpoint({
    scope: ['events:read', 'events:manage'],
    summary: 'Read a mapping profile',
    answer: { type: ProfileView, description: 'The profile.' },
    problems: ['not_found'],
  })
  get(@PathCode('name', 'shopify') name: string, @Query() query: ProfileQuery): Promise<Answer<ProfileView>> {
    return this.profiles.get(name, query.version);
  }

  @Post(':name/try')
  @Endpoint({
    scope: 'events:manage',
    summary: 'See what a profile makes of a payload',
    description:
      'Canonical events, or an error that says what is wrong with the payload or the profile. Nothing is stored and no ' +
      'figure changes. Pointers of `errors` are into the event that the profile made.',
    answer: { type: TriedView, description: 'What would be applied.' },
    problems: ['not_found', 'mapping_failed'],
  })
  try(@PathCode('name', 'shopify') name: string, @Body() body: TryProfile): Promise<TriedView> {
    return this.profiles.try(name, body);
  }
}
