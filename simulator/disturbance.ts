import type { Chance } from './chance.js';

/** How bad the line is: shares of the events, from 0 to 1. */
export interface Shares {
  readonly duplicates: number;
  readonly disorder: number;
  readonly garbage: number;
}

/** An event is overtaken by so many at most, and a copy of it comes so many later. */
const OVERTAKEN_MOST = 40;
const COPIED_MOST = 60;

/** What a bad line makes of a good feed: copies, disorder, and things that no warehouse says. Loses nothing. */
export class Disturbance {
  duplicates = 0;
  disordered = 0;
  garbage = 0;
  private place = 0;
  private held: { readonly place: number; readonly event: string }[] = [];
  private lastSent: string | undefined;

  constructor(
    private readonly shares: Shares,
    private readonly chance: Chance,
    /** Sets the ids of this run's garbage apart from those of others. */
    private readonly run: string,
  ) {}

  /** What is on the wire when an event is handed over: none, it, others that were held back, garbage. */
  pass(event: string): string[] {
    this.place += 1;
    const out = this.release(this.place);
    if (this.chance.hits(this.shares.disorder)) {
      this.disordered += 1;
      this.hold(event, OVERTAKEN_MOST);
    } else {
      out.push(event);
    }
    if (this.chance.hits(this.shares.duplicates)) {
      this.duplicates += 1;
      this.hold(event, COPIED_MOST);
    }
    this.lastSent = out.at(-1) ?? this.lastSent;
    if (this.chance.hits(this.shares.garbage)) out.push(this.rubbish());
    return out;
  }

  /** Everything that is still held back. */
  flush(): string[] {
    return this.release(Number.POSITIVE_INFINITY);
  }

  private hold(event: string, most: number): void {
    this.held.push({ place: this.place + this.chance.between(1, most), event });
  }

  private release(place: number): string[] {
    const due = this.held.filter((each) => each.place <= place);
    if (due.length === 0) return [];
    this.held = this.held.filter((each) => each.place > place);
    return due.sort((a, b) => a.place - b.place).map(({ event }) => event);
  }

  private rubbish(): string {
    this.garbage += 1;
    const id = `garbage-${this.run}-${this.garbage}`;
    const event = (type: string, data: object) => JSON.stringify({ specversion: '1.0', id, type, data });
    const received = (data: object) =>
      event('stock.received.v1', { sku: `NO-SUCH-${this.garbage}`, location: 'east', quantity: 1, ...data });
    const kinds = [
      () => `"${id}"`,
      () => `{"id":"${id}","type":}`,
      () => event('stock.vanished.v1', {}),
      () => received({ quantity: 'a dozen' }),
      () => received({ quantity: 0.00001 }),
      () => received({}),
      () => this.contradiction() ?? received({}),
    ];
    return (kinds[this.garbage % kinds.length] as () => string)();
  }

  /** What was sent last, under the same id with another body. */
  private contradiction(): string | undefined {
    if (this.lastSent === undefined || !this.lastSent.startsWith('{"specversion"')) return undefined;
    return JSON.stringify({ ...JSON.parse(this.lastSent), subject: `contradicted by ${this.run}-${this.garbage}` });
  }
}
