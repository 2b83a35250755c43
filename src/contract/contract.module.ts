import { Module } from '@nestjs/common';
import { DocsController } from './docs.controller.js';
import { DocumentController } from './document.controller.js';
import { ProblemsController } from './problems.controller.js';

/** What others read of us: the OpenAPI document, its pages, and what each problem means. */
@Module({ controllers: [DocsController, DocumentController, ProblemsController] })
export class ContractModule {}
