import { Body, Controller, Get, Post, Put, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Caller, Endpoint, Once } from '../access/endpoint.decorator.js';
import type { Intent } from '../access/idempotency.js';
import { PathCode, PathSku } from '../access/path.decorator.js';
import type { Principal } from '../access/principal.js';
import {
  AdjustmentView,
  AdjustStock,
  AuditView,
  ChangeCondition,
  ConditionChangeView,
  MovementPage,
  MovementsQuery,
  PositionPage,
  PositionsQuery,
  PositionView,
  PutStockPolicy,
  RepairView,
  TransferStock,
  TransferView,
} from './stock.dto.js';
import { StockService } from './stock.service.js';

@ApiTags('Stock')
@Controller({ path: 'stock', version: '1' })
export class StockController {
  constructor(private readonly stock: StockService) {}

  @Get()
  @Endpoint({ scope: 'stock:read', summary: 'List positions by SKU and location', answer: { type: PositionPage } })
  listPositions(@Caller() caller: Principal, @Query() query: PositionsQuery) {
    return this.stock.positions(caller, query);
  }

  @Get('movements')
  @Endpoint({
    scope: 'stock:read',
    summary: 'Read the ledger, ascending',
    answer: { type: MovementPage },
  })
  listMovements(@Caller() caller: Principal, @Query() query: MovementsQuery) {
    return this.stock.movements(caller, query);
  }

  @Get('audit')
  @Endpoint({
    scope: 'admin',
    summary: 'Check that every figure follows from the ledger',
    answer: { type: AuditView },
    problems: ['channel_forbidden'],
    validated: false,
  })
  auditStock(@Caller() caller: Principal) {
    return this.stock.audit(caller);
  }

  @Post('audit/repair')
  @Endpoint({
    scope: 'admin',
    audited: true,
    summary: 'Make drifted positions follow from the ledger again',
    answer: { type: RepairView },
    problems: ['channel_forbidden'],
    idempotent: true,
  })
  repairStock(@Caller() caller: Principal, @Once() once: Intent) {
    return this.stock.repair(caller, once);
  }

  @Post('adjustments')
  @Endpoint({
    scope: 'stock:write',
    audited: true,
    summary: 'Correct what is on hand',
    description: 'By `delta` or to `onHand`. Below what is reserved is allowed, a count is a fact; below zero is not.',
    answer: { type: AdjustmentView, status: 201, description: 'The movement, null if nothing changed.' },
    idempotent: true,
    problems: ['unknown_sku', 'unknown_location', 'unknown_uom', 'negative_on_hand', 'overloaded'],
  })
  adjustStock(@Caller() caller: Principal, @Once() once: Intent, @Body() body: AdjustStock) {
    return this.stock.adjust(caller, once, body);
  }

  @Post('condition-changes')
  @Endpoint({
    scope: 'stock:write',
    audited: true,
    summary: 'Change the condition of units that are there',
    answer: { type: ConditionChangeView, status: 201 },
    idempotent: true,
    problems: ['unknown_sku', 'unknown_location', 'unknown_uom', 'insufficient_stock', 'overloaded'],
  })
  changeCondition(@Caller() caller: Principal, @Once() once: Intent, @Body() body: ChangeCondition) {
    return this.stock.changeCondition(caller, once, body);
  }

  @Post('transfers')
  @Endpoint({
    scope: 'stock:write',
    audited: true,
    summary: 'Move free stock to another location',
    answer: { type: TransferView, status: 201 },
    idempotent: true,
    problems: ['unknown_sku', 'unknown_location', 'unknown_uom', 'insufficient_stock', 'overloaded'],
  })
  transferStock(@Caller() caller: Principal, @Once() once: Intent, @Body() body: TransferStock) {
    return this.stock.transfer(caller, once, body);
  }

  @Put(':sku/:location/policy')
  @Endpoint({
    scope: 'stock:write',
    audited: true,
    summary: 'Set the safety stock of a position',
    answer: { type: PositionView },
    problems: ['unknown_sku', 'unknown_location', 'overloaded'],
  })
  setStockPolicy(
    @Caller() caller: Principal,
    @PathSku() sku: string,
    @PathCode('location', 'HAM') location: string,
    @Body() body: PutStockPolicy,
  ) {
    return this.stock.setSafetyStock(caller, sku, location, body.safetyStock);
  }
}
