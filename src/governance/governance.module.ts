import { Module } from '@nestjs/common';
import { IngestionModule } from '../ingestion/ingestion.module.js';
import { GovernanceController } from './governance.controller.js';
import { GovernanceRepository } from './governance.repository.js';
import { GovernanceService } from './governance.service.js';

/** Governance as data: it reads what the others know, and changes nothing. */
@Module({
  imports: [IngestionModule],
  controllers: [GovernanceController],
  providers: [GovernanceRepository, GovernanceService],
})
export class GovernanceModule {}
