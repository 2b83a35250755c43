/** What the demo reads of the API's answers. The whole of them is in openapi/v1.json. */

export interface Allocation {
  readonly location: string;
  readonly quantity: number;
}

export interface ReservationLine {
  readonly line: number;
  readonly sku: string;
  /** The unit of every quantity of the line. */
  readonly uom: string;
  readonly requested: number;
  readonly reserved: number;
  readonly backordered: number;
  readonly shipped: number;
  readonly allocations: readonly Allocation[];
}

export type ReservationStatus =
  | 'held'
  | 'committed'
  | 'partially_shipped'
  | 'shipped'
  | 'released'
  | 'expired'
  | 'cancelled';

export interface Reservation {
  readonly id: string;
  readonly channel: string;
  readonly orderRef: string | null;
  readonly status: ReservationStatus;
  readonly version: number;
  readonly lines: readonly ReservationLine[];
}

export interface Shortage {
  readonly line: number;
  readonly available: number;
}

export interface Problem {
  readonly code: string;
  readonly detail: string;
  readonly shortages?: readonly Shortage[];
}

export interface BatchResult {
  readonly status: number;
  readonly reservation?: Reservation;
  readonly problem?: Problem;
}

export interface Availability {
  readonly sku: string;
  readonly available: number;
}

export interface AvailabilityQuery {
  readonly lines: readonly (Availability & { readonly fulfillable?: boolean })[];
  readonly fulfillable: boolean;
}

export interface Position {
  readonly sku: string;
  readonly location: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly incoming: number;
  readonly unsellable: { readonly damaged: number };
  readonly available: number;
}

export interface Import {
  readonly id: string;
  readonly status: 'queued' | 'running' | 'done' | 'failed';
  /** Looked at so far: applied and failed together. */
  readonly rows: number;
  readonly applied: number;
  /** Of those applied: rows that were so already. */
  readonly unchanged: number;
  readonly failed: number;
  readonly failures: Page<{ readonly line: number; readonly code: string; readonly detail: string }>;
  /** Why it failed as a whole. */
  readonly problem: Problem | null;
}

export interface Audit {
  readonly checked: number;
  readonly findings: readonly {
    readonly rule: string;
    readonly sku: string;
    readonly location: string;
    readonly expected: number;
    readonly actual: number;
  }[];
}

export interface Page<Entry> {
  readonly data: readonly Entry[];
  readonly nextCursor: string | null;
}

export interface SourceHealth {
  readonly source: string;
  readonly lastHeardAt: string | null;
  readonly stale: boolean;
  readonly lagSeconds: number;
  readonly backlog: { readonly received: number; readonly parked: number };
  readonly exceptionsOpen: number;
  readonly eventsPerMinute: number;
}

export interface InboxEvent {
  readonly id: string;
  readonly eventId: string;
  readonly status: 'received' | 'applied' | 'duplicate' | 'stale' | 'parked' | 'exception';
  readonly receivedAt: string;
}
