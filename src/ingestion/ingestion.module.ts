import { Module } from '@nestjs/common';
import { Inbox } from './inbox.service.js';
import { IngestController } from './ingest.controller.js';
import { IngestService } from './ingest.service.js';
import { KnownSources } from './known-sources.service.js';
import { ProfilesModule } from './profiles.module.js';
import { ReceivingRepository } from './receiving.repository.js';
import { SourcesController } from './sources.controller.js';
import { SourcesRepository } from './sources.repository.js';
import { SourcesService } from './sources.service.js';
import { Vault } from './vault.service.js';

/** What other systems say, from the first byte to the position it changes. */
@Module({
  imports: [ProfilesModule],
  controllers: [IngestController, SourcesController],
  providers: [Inbox, IngestService, KnownSources, ReceivingRepository, SourcesRepository, SourcesService, Vault],
})
export class IngestionModule {}
