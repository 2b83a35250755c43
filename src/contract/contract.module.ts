import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';
import { DocumentController } from './document.controller.js';
import { Documentation } from './documentation.service.js';
import { EventContractController } from './event-contract.controller.js';
import { ProblemsController } from './problems.controller.js';

/** What others read of us: the OpenAPI document, its pages, and what each problem means. */
@Module({
  controllers: [DocsController, DocumentController, EventContractController, ProblemsController],
  providers: [Documentation],
})
export class ContractModule {}
