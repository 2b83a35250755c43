import { DynamicModule, Module, Type } from '@nestjs/common';
import { AccessModule } from './access/access.module.js';
import { AvailabilityModule } from './availability/availability.module.js';
import { CatalogModule } from './catalog/catalog.module.js';
import { ChannelsModule } from './channels/channels.module.js';
import type { Config } from './config.js';
import { Clock, ConfigModule } from './config.module.js';
import { ContractModule } from './contract/contract.module.js';
import { GovernanceModule } from './governance/governance.module.js';
import { ImportsModule } from './imports/imports.module.js';
import { IngestionModule } from './ingestion/ingestion.module.js';
import { OperationsModule } from './operations/operations.module.js';
import { PostgresModule } from './postgres/postgres.module.js';
import { RedisModule } from './redis/redis.module.js';
import { ReservationsModule } from './reservations/reservations.module.js';
import { StockModule } from './stock/stock.module.js';

/** The table of contents: the features, highest first. Each may use those below it. */
@Module({})
export class AppModule {
  /** `controllers`: routes beside ours, which tests bring. */
  static with(config: Config, clock: Clock, controllers: Type[] = []): DynamicModule {
    return {
      module: AppModule,
      controllers,
      imports: [
        ContractModule,
        OperationsModule,
        GovernanceModule,
        ImportsModule,
        IngestionModule,
        ReservationsModule,
        AvailabilityModule,
        StockModule,
        ChannelsModule,
        CatalogModule,
        AccessModule,
        RedisModule,
        PostgresModule,
        ConfigModule.of(config, clock),
      ],
    };
  }
}
