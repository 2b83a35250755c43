import { PickType } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { PutItem } from '../catalog/items.dto.js';
import { PutLocation } from '../catalog/locations.dto.js';
import { IsQuantity } from '../catalog/quantity.dto.js';
import { IsCode, IsSku } from '../problems/fields.dto.js';
import { REASONS, type Reason } from '../stock/adjustment.js';
import { AdjustStock } from '../stock/stock.dto.js';

// Rows have the rules of the calls they stand for, and so their messages.

export class ItemRow extends PutItem {
  @IsSku()
  sku: string;
}

export class LocationRow extends PutLocation {
  @IsCode()
  code: string;
}

/** A level is what is there, as a count finds it; `uom`, `condition`, `note` and `reference` as in an adjustment. */
export class LevelRow extends PickType(AdjustStock, ['sku', 'location', 'uom', 'condition', 'note', 'reference']) {
  @IsQuantity({ zero: true })
  onHand: number;

  @IsIn(REASONS)
  reason: Reason = 'count';
}
