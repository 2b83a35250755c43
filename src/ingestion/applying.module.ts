import { Module } from '@nestjs/common';
import { AvailabilityModule } from '../availability/availability.module.js';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { ReservationsModule } from '../reservations/reservations.module.js';
import { StockModule } from '../stock/stock.module.js';
import { Applying } from './applying.service.js';
import { ApplyingBook } from './applying.session.js';
import { BacklogRepository } from './backlog.repository.js';
import { CatalogUpdatesRepository } from './catalog-updates.repository.js';
import { CatalogUpdates } from './catalog-updates.service.js';
import { EventReader } from './event-reader.service.js';
import { FreshnessWorker } from './freshness.worker.js';
import { PostingWorker } from './posting.worker.js';
import { ProfilesModule } from './profiles.module.js';
import { SourceLocks } from './source-locks.repository.js';

/** From the inbox to the position: what was received is applied, once and in order. */
@Module({
  imports: [AvailabilityModule, CatalogModule, ChannelsModule, StockModule, ReservationsModule, ProfilesModule],
  providers: [
    Applying,
    ApplyingBook,
    BacklogRepository,
    CatalogUpdates,
    CatalogUpdatesRepository,
    EventReader,
    FreshnessWorker,
    PostingWorker,
    SourceLocks,
  ],
  exports: [BacklogRepository, FreshnessWorker, PostingWorker],
})
export class ApplyingModule {}
