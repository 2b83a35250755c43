import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { AccessRepository } from './access.repository.js';
import { AdministratorService } from './administrator.service.js';
import { ClientsController } from './clients.controller.js';
import { ClientsService } from './clients.service.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { IdempotencyWorker } from './idempotency.worker.js';
import { KeyRing } from './key-ring.service.js';
import { KeysController } from './keys.controller.js';
import { KeysService } from './keys.service.js';

@Global()
@Module({
  controllers: [ClientsController, KeysController],
  providers: [
    AccessRepository,
    AdministratorService,
    ClientsService,
    IdempotencyRepository,
    IdempotencyWorker,
    KeyRing,
    KeysService,
    { provide: APP_GUARD, useClass: AccessGuard },
  ],
  exports: [IdempotencyRepository, KeyRing],
})
export class AccessModule {}
