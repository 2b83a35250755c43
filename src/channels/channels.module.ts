import { Module } from '@nestjs/common';
import { CatalogModule } from '../catalog/catalog.module.js';
import { ChannelsController } from './channels.controller.js';
import { ChannelsRepository } from './channels.repository.js';
import { ChannelsService } from './channels.service.js';
import { DirectoryRepository } from './directory.repository.js';
import { Directory } from './directory.service.js';

@Module({
  imports: [CatalogModule],
  controllers: [ChannelsController],
  providers: [ChannelsRepository, ChannelsService, DirectoryRepository, Directory],
  exports: [Directory],
})
export class ChannelsModule {}
