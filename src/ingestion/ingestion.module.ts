import { Module, OnModuleInit } from '@nestjs/common';
import { ApplyingModule } from './applying.module.js';
import { EventsController } from './events.controller.js';
import { EventsRepository } from './events.repository.js';
import { EventsService } from './events.service.js';
import { ExceptionsController, ReplayController } from './exceptions.controller.js';
import { ExceptionsRepository } from './exceptions.repository.js';
import { ExceptionsService } from './exceptions.service.js';
import { FreshnessWorker } from './freshness.worker.js';
import { Inbox } from './inbox.service.js';
import { InboxDaysWorker } from './inbox-days.worker.js';
import { IngestController } from './ingest.controller.js';
import { IngestService } from './ingest.service.js';
import { KnownSources } from './known-sources.service.js';
import { PostingWorker } from './posting.worker.js';
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
  imports: [ApplyingModule, ProfilesModule],
  controllers: [ExceptionsController, ReplayController, EventsController, IngestController, SourcesController],
  providers: [
    EventsRepository,
    ExceptionsRepository,
    ExceptionsService,
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
  exports: [Inbox, ProfilesModule, SourceHealthRepository, SourcesRepository],
})
export class IngestionModule implements OnModuleInit {
  constructor(
    private readonly inbox: Inbox,
    private readonly worker: PostingWorker,
    private readonly freshness: FreshnessWorker,
  ) {}

  /** What this process receives it applies at once, if no other is at work for the source. */
  onModuleInit(): void {
    this.inbox.onReceived((sourceIds) => {
      this.freshness.hear(sourceIds);
      for (const id of sourceIds) this.worker.wake(id);
    });
  }
}
