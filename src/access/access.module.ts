import { Global, Module } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { AccessChanges } from './access.changes.js';
import { AccessGuard } from './access.guard.js';
import { AdministratorService } from './administrator.service.js';
import { AuditController } from './audit.controller.js';
import { AuditRepository } from './audit.repository.js';
import { AuditTrail } from './audit.service.js';
import { ClientsController } from './clients.controller.js';
import { ClientsRepository } from './clients.repository.js';
import { ClientsService } from './clients.service.js';
import { DeprecatedUseRepository } from './deprecated-use.repository.js';
import { DeprecatedUseService } from './deprecated-use.service.js';
import { FailedAttempts } from './failed-attempts.service.js';
import { IdempotencyRepository } from './idempotency.repository.js';
import { IdempotencyWorker } from './idempotency.worker.js';
import { Installation } from './installation.service.js';
import { KeyRing } from './key-ring.service.js';
import { KeysController } from './keys.controller.js';
import { KeysRepository } from './keys.repository.js';
import { KeysService } from './keys.service.js';
import { Peppers } from './peppers.service.js';
import { ProcessesRepository } from './processes.repository.js';
import { Processes } from './processes.worker.js';
import { RateLimiter } from './rate-limiter.service.js';
import { RateLimits } from './rate-limits.service.js';
import { Refusals } from './refusals.service.js';
import { Tokens } from './tokens.service.js';

@Global()
@Module({
  controllers: [AuditController, ClientsController, KeysController],
  providers: [
    AccessChanges,
    AdministratorService,
    AuditRepository,
    AuditTrail,
    ClientsRepository,
    ClientsService,
    DeprecatedUseRepository,
    DeprecatedUseService,
    FailedAttempts,
    IdempotencyRepository,
    IdempotencyWorker,
    Installation,
    KeyRing,
    KeysRepository,
    KeysService,
    Peppers,
    Processes,
    ProcessesRepository,
    RateLimiter,
    RateLimits,
    Refusals,
    Tokens,
    AccessGuard,
    { provide: APP_GUARD, useExisting: AccessGuard },
  ],
  exports: [AccessChanges, AuditTrail, DeprecatedUseService, IdempotencyRepository, KeyRing, RateLimiter],
})
export class AccessModule {}
