import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { StockModule } from '../stock/stock.module.js';
import { AvailabilityController } from './availability.controller.js';
import { AvailabilityRepository } from './availability.repository.js';
import { AvailabilityService } from './availability.service.js';
import { CacheRelay } from './cache.relay.js';
import { StockCache } from './stock.cache.js';

@Module({
  imports: [ChannelsModule, StockModule],
  controllers: [AvailabilityController],
  providers: [AvailabilityService, AvailabilityRepository, StockCache, CacheRelay],
})
export class AvailabilityModule {}
