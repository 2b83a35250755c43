import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChannelsModule } from '../channels/channels.module.js';
import { StockModule } from '../stock/stock.module.js';
import { AvailabilityController } from './availability.controller.js';
import { AvailabilityRepository } from './availability.repository.js';
import { AvailabilityService } from './availability.service.js';
import { CacheRelay } from './cache.relay.js';
import { CopyForesight } from './copy.foresight.js';
import { Freshness } from './freshness.service.js';
import { StockCache } from './stock.cache.js';
import { StockCopy } from './stock.copy.js';
import { StockFinder } from './stock.finder.js';
import { StockNews } from './stock.news.js';
import { StockReader } from './stock.reader.js';

@Module({
  imports: [CatalogModule, ChannelsModule, StockModule],
  controllers: [AvailabilityController],
  providers: [
    AvailabilityService,
    AvailabilityRepository,
    StockCache,
    StockCopy,
    StockFinder,
    StockNews,
    StockReader,
    CacheRelay,
    CopyForesight,
    Freshness,
  ],
  exports: [Freshness],
})
export class AvailabilityModule {}
