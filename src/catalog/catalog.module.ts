import { Module } from '@nestjs/common';
import { CatalogChanges } from './catalog.changes.js';
import { ItemsController } from './items.controller.js';
import { ItemsRepository } from './items.repository.js';
import { ItemsService } from './items.service.js';
import { LocationsController } from './locations.controller.js';
import { LocationsRepository } from './locations.repository.js';
import { LocationsService } from './locations.service.js';

@Module({
  controllers: [ItemsController, LocationsController],
  providers: [CatalogChanges, ItemsRepository, ItemsService, LocationsRepository, LocationsService],
  exports: [CatalogChanges, ItemsRepository, LocationsRepository],
})
export class CatalogModule {}
