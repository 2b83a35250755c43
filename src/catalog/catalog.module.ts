import { Module } from '@nestjs/common';
import { CatalogChanges } from './catalog.changes.js';
import { ItemsController } from './items.controller.js';
import { ItemsRepository } from './items.repository.js';
import { ItemsService } from './items.service.js';
import { ItemsBatchRepository } from './items-batch.repository.js';
import { ItemsBatch } from './items-batch.service.js';
import { LocationsController } from './locations.controller.js';
import { LocationsRepository } from './locations.repository.js';
import { LocationsService } from './locations.service.js';

@Module({
  controllers: [ItemsController, LocationsController],
  providers: [
    CatalogChanges,
    ItemsBatch,
    ItemsBatchRepository,
    ItemsRepository,
    ItemsService,
    LocationsRepository,
    LocationsService,
  ],
  exports: [CatalogChanges, ItemsBatch, ItemsBatchRepository, ItemsRepository, LocationsRepository, LocationsService],
})
export class CatalogModule {}
