import { Module } from '@nestjs/common';
import { KnownProfiles } from './known-profiles.service.js';
import { MappingService } from './mapping.service.js';
import { ProfilesRepository } from './profiles.repository.js';

/** From a vendor's payload to canonical events. */
@Module({
  providers: [KnownProfiles, MappingService, ProfilesRepository],
  exports: [KnownProfiles, MappingService],
})
export class ProfilesModule {}
