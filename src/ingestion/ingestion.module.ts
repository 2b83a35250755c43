import { Module } from '@nestjs/common';
import { EventsController } from './events.controller.js';
import { EventsRepository } from './events.repository.js';
import { EventsService } from './events.service.js';
import { Inbox } from './inbox.service.js';
import { InboxDaysWorker } from './inbox-days.worker.js';
import { IngestController } from './ingest.controller.js';
import { IngestService } from './ingest.service.js';
import { KnownSources } from './known-sources.service.js';
import { ProfilesModule } from './profiles.module.js';
import { ReceivingRepository } from './receiving.repository.js';
import { SourceHealthRepository } from './source-health.repository.js';
import { SourceHealthService } from './source-health.service.js';
import { SourcesController } from './sources.controller.js';
import { SourcesRepository } from './sources.repository.js';
import { SourcesService } from './sources.service.js';
import { Vault } from './vault.service.js';

/** What other systems say, from the first byte to the position it changes. */
@Module({
  imports: [ProfilesModule],
  controllers: [EventsController, IngestController, SourcesController],
  providers: [
    EventsRepository,
    EventsService,
    InboxDaysWorker,
    SourceHealthRepository,
    SourceHealthService,
    Inbox,
    IngestService,
    KnownSources,
    ReceivingRepository,
    SourcesRepository,
    SourcesService,
    Vault,
  ],
})
export class IngestionModule {}
