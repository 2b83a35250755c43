import { Module } from '@nestjs/common';
import { KnownSources } from './known-sources.service.js';
import { SourcesController } from './sources.controller.js';
import { SourcesRepository } from './sources.repository.js';
import { SourcesService } from './sources.service.js';
import { Vault } from './vault.service.js';

/** What other systems say, from the first byte to the position it changes. */
@Module({
  controllers: [SourcesController],
  providers: [KnownSources, SourcesRepository, SourcesService, Vault],
})
export class IngestionModule {}
