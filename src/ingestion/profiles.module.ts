import { Module } from '@nestjs/common';
import { KnownProfiles } from './known-profiles.service.js';
import { MappingService } from './mapping.service.js';
import { ProfilesController } from './profiles.controller.js';
import { ProfilesRepository } from './profiles.repository.js';
import { ProfilesService } from './profiles.service.js';

/** From a vendor's payload to canonical events. */
@Module({
  controllers: [ProfilesController],
  providers: [KnownProfiles, MappingService, ProfilesRepository, ProfilesService],
  exports: [KnownProfiles, MappingService],
})
export class ProfilesModule {}
