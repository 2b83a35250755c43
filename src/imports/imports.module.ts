import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { StockModule } from '../stock/stock.module.js';
import { Batches } from './batch.service.js';
import { ImportWorker } from './import.worker.js';
import { ImportsController } from './imports.controller.js';
import { ImportsRepository } from './imports.repository.js';
import { ImportsService } from './imports.service.js';
import { Spool } from './spool.service.js';

@Module({
  imports: [CatalogModule, StockModule],
  controllers: [ImportsController],
  providers: [Batches, ImportWorker, ImportsRepository, ImportsService, Spool],
})
export class ImportsModule {}
