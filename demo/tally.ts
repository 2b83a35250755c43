import type { ChannelCode } from './world.js';

/** How an order ended. */
const OUTCOMES = ['in_full', 'in_part', 'refused', 'abandoned', 'released'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/** An order as it was sold. Quantities in pieces. */
export interface Sale {
  readonly channel: ChannelCode;
  readonly outcome: Outcome;
  readonly asked: number;
  /** Reserved, with what was backordered. */
  readonly promised: number;
  readonly backordered: number;
}

/** What came of a channel's orders. */
export class Tally {
  orders = 0;
  readonly outcomes: Record<Outcome, number> = { in_full: 0, in_part: 0, refused: 0, abandoned: 0, released: 0 };
  /** Orders with a backorder; they count as filled as far as they were promised. */
  ordersBackordered = 0;
  asked = 0;
  promised = 0;
  backordered = 0;

  add({ outcome, asked, promised, backordered }: Sale): void {
    this.orders += 1;
    this.outcomes[outcome] += 1;
    // Nobody wanted what a cart held that was left standing, so it says nothing about how well demand was filled.
    if (outcome === 'abandoned' || outcome === 'released') return;
    this.asked += asked;
    this.promised += promised;
    this.backordered += backordered;
    if (backordered > 0) this.ordersBackordered += 1;
  }

  /** Adds what another one has counted. */
  include(other: Tally): void {
    this.orders += other.orders;
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
    this.ordersBackordered += other.ordersBackordered;
    this.asked += other.asked;
    this.promised += other.promised;
    this.backordered += other.backordered;
  }
}

/** A line of the calendar: what happened in a month, in pieces. */
export interface Month {
  readonly month: string;
  readonly sold: Tally;
  received: number;
  shipped: number;
}
