import { Inject, Module, OnModuleInit } from '@nestjs/common';
import { ChannelsModule } from '../channels/channels.module.js';
import type { Config } from '../config.js';
import { CONFIG } from '../config.module.js';
import { pass, warn } from '../operations/readiness.js';
import { Readiness } from '../operations/readiness.service.js';
import { PostingEngine } from './posting.engine.js';
import { StockController } from './stock.controller.js';
import { AuditRepository, StockRepository } from './stock.repository.js';
import { StockService } from './stock.service.js';

@Module({
  imports: [ChannelsModule],
  controllers: [StockController],
  providers: [StockService, StockRepository, AuditRepository, PostingEngine],
  exports: [PostingEngine, StockService],
})
export class StockModule implements OnModuleInit {
  constructor(
    private readonly engine: PostingEngine,
    private readonly readiness: Readiness,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** A full engine warns and stays in service: were it taken out, the others would get its load on top of theirs. */
  onModuleInit(): void {
    const most = this.config.engineQueue * this.config.engineMailboxes;
    this.readiness.add('engine', () => {
      const said = `${this.engine.waiting} of at most ${most} commands wait.`;
      return this.engine.waiting * 2 < most ? pass(said) : warn(`${said} Callers will soon get 503 overloaded.`);
    });
  }
}
