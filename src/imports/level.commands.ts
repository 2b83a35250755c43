import { Answer } from '../access/answer.js';
import type { Intent } from '../access/idempotency.js';
import type { Quantity } from '../catalog/quantity.js';
import { requestedQuantity, requestedUnit } from '../catalog/requested-quantity.js';
import type { DirectoryLocation } from '../channels/directory.js';
import { Problem } from '../problems/problem.js';
import { adjust, type Reason } from '../stock/adjustment.js';
import { type Catalogue, type Command, type Desk, Displaced, type PositionNeed } from '../stock/command.js';
import { placeName } from '../stock/ledger.js';
import { apply, type Change } from '../stock/movement.js';
import type { Condition, Position } from '../stock/position.js';
import { placeOf } from '../stock/stock.commands.js';
import type { Failure, Result } from './import.js';
import { faultOf } from './rows.reader.js';

export interface Level {
  readonly line: number;
  readonly sku: string;
  readonly location: string;
  readonly onHand: number;
  readonly uom?: string;
  readonly condition: Condition;
  readonly reason: Reason;
  readonly note?: string;
  readonly reference?: string;
}

/** A level whose position is known. */
interface Target {
  readonly level: Level;
  readonly itemId: number;
  readonly locationId: number;
  readonly onHand: Quantity;
}

/** How a batch of levels is decided. */
export interface LevelsMode {
  /** All or none. */
  readonly atomic: boolean;
  /** Other rows of an atomic import have failed: say which of these would too, and set none. */
  readonly rehearsal: boolean;
}

/**
 * Many levels in one command, and so in one transaction and one round of locks. Each row is decided on its own, in the
 * order of the file: a refused one leaves its neighbours alone. The answer's body is the `Result`; with its intent it
 * is found again when the batch is repeated after a crash, so that a level cannot undo what was sold since.
 */
export class SetLevelsCommand implements Command {
  readonly skus: readonly string[];
  readonly weight: number;
  private targets: Target[] = [];
  private failures: Failure[] = [];
  /** All or none is decided before positions are made: a refusal must not leave empty ones behind. */
  private create: boolean;

  constructor(
    readonly intent: Intent,
    private readonly actor: string,
    private readonly levels: readonly Level[],
    private readonly mode: LevelsMode,
    private readonly mayUse: (location: DirectoryLocation) => boolean,
  ) {
    this.skus = [...new Set(levels.map(({ sku }) => sku))];
    this.weight = levels.length;
    this.create = !mode.atomic;
  }

  /** Finds and measures every row anew: the attempt before may have had an old catalogue. */
  prepare(catalogue: Catalogue): readonly PositionNeed[] {
    this.targets = [];
    this.failures = [];
    for (const level of this.levels) {
      try {
        const { item, location } = placeOf(catalogue, level.sku, level.location, this.mayUse);
        const onHand = requestedQuantity(requestedUnit(item, level.uom, '/uom'), level.onHand, '/onHand');
        this.targets.push({ level, itemId: item.id, locationId: location.id, onHand });
      } catch (error) {
        this.fail(level, error);
      }
    }
    return this.targets.map(({ itemId, locationId }) => ({ itemId, locationId, create: this.create }));
  }

  decide(desk: Desk): () => Answer {
    if (this.mode.atomic) {
      this.rehearse(desk);
      if (this.mode.rehearsal || this.failures.length > 0) return this.answer(0, 0);
      if (this.targets.some(({ itemId, locationId }) => !desk.ledger.position(itemId, locationId))) {
        this.create = true;
        throw new Displaced();
      }
    }
    let changed = 0;
    let unchanged = 0;
    for (const target of this.targets) {
      const position = desk.ledger.position(target.itemId, target.locationId) as Position;
      const changes = this.changesOf(target, position);
      if (!changes) continue;
      for (const change of changes) desk.ledger.post(target, change, this.actor);
      if (changes.length > 0) changed += 1;
      else unchanged += 1;
    }
    return this.answer(changed, unchanged);
  }

  /** Decides every row on copies, so that all that fails is known before anything is posted. */
  private rehearse(desk: Desk): void {
    const copies = new Map<string, Position>();
    for (const target of this.targets) {
      const name = placeName(target);
      const position = desk.ledger.position(target.itemId, target.locationId) ?? emptyAt(target, desk.now);
      const copy = copies.get(name) ?? { ...position, unsellable: { ...position.unsellable } };
      copies.set(name, copy);
      for (const change of this.changesOf(target, copy) ?? []) apply(copy, change, desk.now);
    }
  }

  /** undefined: refused, and noted. */
  private changesOf({ level, onHand }: Target, position: Position): Change[] | undefined {
    try {
      const { condition, reason, note, reference } = level;
      return adjust(position, { onHand, condition, reason, note, reference });
    } catch (error) {
      this.fail(level, error);
      return undefined;
    }
  }

  private fail({ line }: Level, error: unknown): void {
    if (!(error instanceof Problem)) throw error;
    this.failures.push({ line, ...faultOf(error) });
  }

  private answer(changed: number, unchanged: number): () => Answer {
    const body: Result = { applied: changed + unchanged, unchanged, failures: this.failures };
    return () => new Answer(200, body);
  }
}

function emptyAt({ itemId, locationId }: Target, now: number): Position {
  const unsellable = { damaged: 0, expired: 0, recalled: 0, quarantined: 0, inspection: 0 };
  return {
    ...{ itemId, locationId, onHand: 0, unsellable, reserved: 0, incoming: 0, safetyStock: 0, version: 0 },
    nextExpiry: null,
    asOf: now,
  };
}
