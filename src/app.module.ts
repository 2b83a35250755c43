import { DynamicModule, Module } from '@nestjs/common';
import { AccessModule } from './access/access.module.js';
import type { Config } from './config.js';
import { Clock, ConfigModule } from './config.module.js';
import { ContractModule } from './contract/contract.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { PostgresModule } from './postgres/postgres.module.js';
import { RedisModule } from './redis/redis.module.js';

/** The table of contents: the features, highest first. Each may use those below it. */
@Module({})
export class AppModule {
  static with(config: Config, clock: Clock): DynamicModule {
    return {
      module: AppModule,
      imports: [
        ContractModule,
        OperationsModule,
        AccessModule,
        RedisModule,
        PostgresModule,
        ConfigModule.of(config, clock),
      ],
    };
  }
}
