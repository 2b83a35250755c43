import { skuOf } from './cases.js';
import { quantilesOf } from './statistics.js';
import { Connection, REQUESTS, type Work } from './wire.js';

/**
 * The load generator, a process of its own: a number of keep-alive connections, each with one request under way (no
 * pipelining), every request with an Idempotency-Key of its own. It speaks just enough HTTP/1.1 to check every status
 * and to take every answer whole, because it shares the cores with what it measures: `fetch` costs five times as much.
 */

export interface Load {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly work: Work;
  /** The API key; of `send`, the secret that events are signed with. */
  readonly key: string;
  readonly items: number;
  readonly connections: number;
  readonly seconds: number;
}

export interface Answered {
  /** Seconds from the first request to the last answer. */
  readonly seconds: number;
  readonly accepted: number;
  /** 409 `insufficient_stock`. */
  readonly refused: number;
  /** Bodies that were parsed and found to say what was asked for. */
  readonly checked: number;
  /** Milliseconds from the sending of a request to its whole answer, of 99 % of them. */
  readonly p99: number;
  /** Anything else, by what it was. */
  readonly errors: Readonly<Record<string, number>>;
}

/** One in so many answers is parsed and compared with its request. */
const CHECK_EVERY = 256;

/** The status and the body of an answer that did what was asked for. */
const RIGHT: Readonly<Record<Work, { status: string; body(body: string, sku: string): boolean }>> = {
  reserve: {
    status: '201',
    body: (body, sku) => {
      const { id, status, lines } = JSON.parse(body);
      const [line] = lines;
      return (
        /^res_\w{26}$/.test(id) &&
        status === 'held' &&
        lines.length === 1 &&
        line.sku === sku &&
        line.requested === 1 &&
        line.reserved === 1 &&
        line.allocations.length === 1 &&
        line.allocations[0].quantity === 1
      );
    },
  },
  'reserve-naively': {
    status: '201',
    body: (body, sku) => {
      const { status, lines } = JSON.parse(body);
      return status === 'held' && lines.length === 1 && lines[0].sku === sku && lines[0].quantity === 1;
    },
  },
  send: {
    status: '202',
    body: (body) => {
      const { events } = JSON.parse(body);
      return events.length === 1 && /^evt_\w{26}$/.test(events[0].id) && events[0].status === 'received';
    },
  },
  read: {
    status: '200',
    body: (body, sku) => {
      const { sku: answered, status } = JSON.parse(body);
      return answered === sku && status === 'in_stock';
    },
  },
};

class Tally {
  accepted = 0;
  refused = 0;
  checked = 0;
  readonly waited: number[] = [];
  readonly errors: Record<string, number> = {};

  constructor(private readonly work: Work) {}

  /** `body` is only looked at when it is its turn. */
  count(status: string, body: string, sku: string): void {
    const right = RIGHT[this.work];
    if (status === right.status) {
      this.accepted += 1;
      if (this.accepted % CHECK_EVERY !== 1) return;
      if (right.body(body, sku)) this.checked += 1;
      else this.error(`body: ${body.slice(0, 400)}`);
    } else if (status === '409' && body.includes('"insufficient_stock"')) this.refused += 1;
    else this.error(`status ${status}: ${body.slice(0, 200)}`);
  }

  error(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }
}

/** One connection: sends, waits for the whole answer, sends again until its time is over. */
function converse(load: Load, port: number, tally: Tally, until: number): Promise<void> {
  return new Promise((resolve) => {
    const request = REQUESTS[load.work](load.key, port);
    const connection = new Connection(port, (why) => tally.error(why), resolve);
    const send = () => {
      const sku = skuOf(load.items === 1 ? 1 : 1 + Math.floor(Math.random() * load.items));
      const sent = performance.now();
      connection.ask(request(sku), (status, body) => {
        const now = performance.now();
        tally.waited.push(now - sent);
        tally.count(status, body, sku);
        if (now < until) send();
        else connection.end();
      });
    };
    send();
  });
}

async function generate(load: Load): Promise<Answered> {
  const tally = new Tally(load.work);
  const port = Number(new URL(load.url).port);
  const begun = performance.now();
  const until = begun + load.seconds * 1_000;
  await Promise.all(Array.from({ length: load.connections }, () => converse(load, port, tally, until)));
  const { accepted, refused, checked, errors, waited } = tally;
  const seconds = (performance.now() - begun) / 1_000;
  return { seconds, accepted, refused, checked, errors, p99: waited.length > 0 ? quantilesOf(waited).p99 : Number.NaN };
}

process.on('message', async (load: Load) => process.send?.(await generate(load)));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
