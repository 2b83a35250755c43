import { Module } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import { PostingEngine } from './posting.engine.js';
import { StockController } from './stock.controller.js';
import { AuditRepository, StockRepository } from './stock.repository.js';
import { StockService } from './stock.service.js';

@Module({
  imports: [ChannelsModule],
  controllers: [StockController],
  providers: [StockService, StockRepository, AuditRepository, PostingEngine],
  exports: [PostingEngine],
})
export class StockModule {}
