/** What can be imported in bulk, and the columns of each, named as the fields of the single calls (api.md). */
export const APPLIED_KINDS = ['items', 'locations', 'levels'] as const;
/** Applied here. */
export type AppliedKind = (typeof APPLIED_KINDS)[number];
/** Events go into the inbox of their source, and are applied from there. */
export const KINDS = [...APPLIED_KINDS, 'events'] as const;
export type Kind = (typeof KINDS)[number];

export const FORMATS = ['csv', 'ndjson', 'x12', 'edifact'] as const;
export type Format = (typeof FORMATS)[number];
export const MEDIA_TYPES: Readonly<Record<string, Format>> = { 'text/csv': 'csv', 'application/x-ndjson': 'ndjson' };
export const EVENT_MEDIA_TYPES: Readonly<Record<string, Format>> = {
  ...MEDIA_TYPES,
  'application/edi-x12': 'x12',
  'application/edifact': 'edifact',
};

/** `done`: every row was looked at, failed ones included. `failed`: it ended before, and `problem` says why. */
export const STATUSES = ['queued', 'running', 'done', 'failed'] as const;
export type Status = (typeof STATUSES)[number];

/** How the text of a CSV cell becomes the JSON that the single call would take. */
export type CellType = 'text' | 'number' | 'boolean' | 'units' | 'identifiers' | 'object';

export interface Column {
  readonly name: string;
  readonly type: CellType;
  readonly required?: true;
}

export const COLUMNS: Readonly<Record<Kind, readonly Column[]>> = {
  items: [
    { name: 'sku', type: 'text', required: true },
    { name: 'name', type: 'text', required: true },
    { name: 'baseUom', type: 'text', required: true },
    { name: 'fractionDigits', type: 'number' },
    { name: 'tracked', type: 'boolean' },
    { name: 'active', type: 'boolean' },
    { name: 'uoms', type: 'units' },
    { name: 'identifiers', type: 'identifiers' },
    { name: 'attributes', type: 'object' },
  ],
  locations: [
    { name: 'code', type: 'text', required: true },
    { name: 'name', type: 'text', required: true },
    { name: 'type', type: 'text', required: true },
    { name: 'enabled', type: 'boolean' },
    { name: 'gln', type: 'text' },
    { name: 'timezone', type: 'text' },
  ],
  levels: [
    { name: 'sku', type: 'text', required: true },
    { name: 'location', type: 'text', required: true },
    { name: 'onHand', type: 'number', required: true },
    { name: 'uom', type: 'text' },
    { name: 'condition', type: 'text' },
    { name: 'reason', type: 'text' },
    { name: 'reference', type: 'text' },
    { name: 'note', type: 'text' },
  ],
  events: [
    { name: 'sku', type: 'text', required: true },
    { name: 'location', type: 'text', required: true },
    { name: 'quantity', type: 'number', required: true },
    { name: 'uom', type: 'text' },
  ],
};

/** A body, in bytes: some two million rows. */
export const MOST_BYTES = 256 * 1024 * 1024;
/** A body of which all rows or none are applied: they are held in memory and decided in one transaction. */
export const MOST_ATOMIC_BYTES = 16 * 1024 * 1024;
export const MOST_ATOMIC_ROWS = 10_000;
/** A file of EDI, in bytes: it is read whole, to find where its interchanges end. */
export const MOST_EDI_BYTES = 16 * 1024 * 1024;
/** One event of a file, in bytes: as much as a request takes. A file that is complete is one event. */
export const MOST_EVENT_BYTES = 5 * 1024 * 1024;
/** One row, in bytes: an item with all the units, identifiers and attributes it may have fits several times. */
export const MOST_ROW_BYTES = 256 * 1024;
/** Failed rows that are kept to be read; those beyond are only counted. */
export const MOST_FAILURES = 100_000;

/** Where reading goes on: `byte` from the start of the body; `line` is the last line before it. */
export interface Place {
  readonly byte: number;
  readonly line: number;
}

/** A row of the body. `line` counts as an editor does, from 1; of a row of several lines the first. */
export interface Row {
  readonly line: number;
  /** Where the next row begins. */
  readonly end: Place;
  /** As the single call would take it; of events `{ slice }`, or of a CSV the cells. Absent when it could not be read. */
  readonly values?: unknown;
  readonly fault?: Fault;
}

/** Why a row is not applied: `code` is one of the problems. */
export interface Fault {
  readonly code: string;
  readonly detail: string;
  /** JSON pointer into the row; of a CSV `/` and the column. */
  readonly pointer?: string;
}

export interface Failure extends Fault {
  readonly line: number;
}

/** What became of some rows. `applied` counts the unchanged ones too. */
export interface Result {
  readonly applied: number;
  readonly unchanged: number;
  readonly failures: readonly Failure[];
}

/** How far an import is. `rows` is `applied` and `failed` together, in the end all of the body. */
export interface Progress {
  readonly status: Status;
  readonly rows: number;
  readonly applied: number;
  readonly unchanged: number;
  readonly failed: number;
  /** Why it failed as a whole. */
  readonly problem: Fault | null;
}

export interface Import extends Progress {
  readonly id: string;
  readonly turn: number;
  readonly kind: Kind;
  readonly format: Format;
  /** Of events: the code of their source. */
  readonly source: string | null;
  readonly atomic: boolean;
  readonly createdAt: Date;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
}
