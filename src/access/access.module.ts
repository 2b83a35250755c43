import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessGuard } from './access.guard.js';
import { AccessRepository } from './access.repository.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { KeyRing } from './key-ring.service.js';

@Global()
@Module({
  providers: [AccessRepository, IdempotencyRepository, KeyRing, { provide: APP_GUARD, useClass: AccessGuard }],
  exports: [IdempotencyRepository, KeyRing],
})
export class AccessModule {}
