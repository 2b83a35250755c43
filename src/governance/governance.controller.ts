import { Controller, Get, Header } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, Endpoint } from '../access/endpoint.decorator.js';
import type { Principal } from '../access/principal.js';
import { GovernanceView } from './governance.dto.js';
import { GovernanceService } from './governance.service.js';

const DESCRIPTION = `For who answers for the data: which source is believed for which fact of which location, what the service promises of
itself and how it is doing, and which operations are going. Needs a key that is bound to no channel.`;

@ApiTags('Governance')
@Controller({ path: 'governance', version: '1' })
export class GovernanceController {
  constructor(private readonly governance: GovernanceService) {}

  @Get()
  @Endpoint({
    scope: 'events:read',
    validated: false,
    summary: 'Read who owns which fact, and whether promises are kept',
    description: DESCRIPTION,
    answer: { type: GovernanceView, description: 'As it is now.' },
    problems: ['channel_forbidden'],
  })
  @Header('Cache-Control', 'no-store')
  readGovernance(@Caller() caller: Principal): Promise<GovernanceView> {
    return this.governance.read(caller);
  }
}
