import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { IngestionModule } from '../ingestion/ingestion.module.js';
import { StockModule } from '../stock/stock.module.js';
import { Batches } from './batch.service.js';
import { EventImportsController } from './event-imports.controller.js';
import { ImportWorker } from './import.worker.js';
import { ImportsController } from './imports.controller.js';
import { ImportsRepository } from './imports.repository.js';
import { ImportsService } from './imports.service.js';
import { Spool } from './spool.service.js';

@Module({
  imports: [CatalogModule, IngestionModule, StockModule],
  controllers: [EventImportsController, ImportsController],
  providers: [Batches, ImportWorker, ImportsRepository, ImportsService, Spool],
})
export class ImportsModule {}
