import { skuOf } from './cases.js';
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
  /** Anything else, by what it was. */
  readonly errors: Readonly<Record<string, number>>;
}

/** One in so many answers is parsed and compared with its request. */
const CHECK_EVERY = 256;
class Tally {
  accepted = 0;
  refused = 0;
  checked = 0;
  readonly errors: Record<string, number> = {};

  /** `body` is only looked at when it is its turn. */
  count(status: string, body: string, sku: string): void {
    if (status === '202') {
      this.accepted += 1;
      if (this.accepted % CHECK_EVERY === 1) this.checkEvents(body);
    } else if (status === '201') {
      this.accepted += 1;
      if (this.accepted % CHECK_EVERY === 1) this.check(body, sku);
    } else if (status === '409' && body.includes('"insufficient_stock"')) this.refused += 1;
    else this.error(`status ${status}: ${body.slice(0, 200)}`);
  }

  private checkEvents(body: string): void {
    const { events } = JSON.parse(body);
    if (events.length === 1 && /^evt_\w{26}$/.test(events[0].id) && events[0].status === 'received') this.checked += 1;
    else this.error(`body: ${body.slice(0, 400)}`);
  }

  error(what: string): void {
    this.errors[what] = (this.errors[what] ?? 0) + 1;
  }

  private check(body: string, sku: string): void {
    const { id, status, lines } = JSON.parse(body);
    const [line] = lines;
    const right =
      /^res_\w{26}$/.test(id) &&
      status === 'held' &&
      lines.length === 1 &&
      line.sku === sku &&
      line.requested === 1 &&
      line.reserved === 1 &&
      line.allocations.length === 1 &&
      line.allocations[0].quantity === 1;
    if (right) this.checked += 1;
    else this.error(`body: ${body.slice(0, 400)}`);
  }
}

/** One connection: sends, waits for the whole answer, sends again until its time is over. */
function converse(load: Load, port: number, tally: Tally, until: number): Promise<void> {
  return new Promise((resolve) => {
    const request = REQUESTS[load.work](load.key, port);
    const connection = new Connection(port, (why) => tally.error(why), resolve);
    const send = () => {
      const sku = skuOf(load.items === 1 ? 1 : 1 + Math.floor(Math.random() * load.items));
      connection.ask(request(sku), (status, body) => {
        tally.count(status, body, sku);
        if (performance.now() < until) send();
        else connection.end();
      });
    };
    send();
  });
}

async function generate(load: Load): Promise<Answered> {
  const tally = new Tally();
  const port = Number(new URL(load.url).port);
  const begun = performance.now();
  const until = begun + load.seconds * 1_000;
  await Promise.all(Array.from({ length: load.connections }, () => converse(load, port, tally, until)));
  const { accepted, refused, checked, errors } = tally;
  return { seconds: (performance.now() - begun) / 1_000, accepted, refused, checked, errors };
}

process.on('message', async (load: Load) => process.send?.(await generate(load)));
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {}); // Ctrl-C reaches the whole group; who started us tells us when to end
