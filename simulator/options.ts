import { parseArgs } from 'node:util';
import { readService, wholeNumber } from '../demo/options.js';
import type { Shares } from './disturbance.js';

export interface Options {
  /** A running service and a key with the scope admin; undefined: the simulator starts one of its own. */
  readonly service: { readonly url: string; readonly key: string } | undefined;
  /** The code of the source as which it reports. */
  readonly source: string;
  /** Happenings a second. */
  readonly rate: number;
  readonly shares: Shares;
  /** Ends after so many seconds, or when the orders are through. */
  readonly seconds: number;
  /** All four years instead of the latest. */
  readonly all: boolean;
  /** Only the first so many orders of the period. */
  readonly first: number | undefined;
  /** The same seed disturbs in the same way. */
  readonly seed: number;
  /** Where a service of its own keeps its data. */
  readonly directory: string;
}

const RATE_MOST = 5_000;
const SECONDS_MOST = 86_400;
/** Beyond half, nothing of the feed is left to be seen. */
const SHARE_MOST = 50;
const SEED_MOST = 4_294_967_295;

export const HELP = `Sends what working warehouses report, signed, to Holdfast, and checks that what it has is what they have.

  npm run simulate                                             a year of orders, 200 events a second, on a service of its
                                                               own (data: .data/simulator, fresh each time)
  npm run simulate -- --duplicates 5% --disorder 10% --garbage 1%
                                                               over a bad line
  npm run simulate -- --url http://… --key hf_…                on a service that runs; the key needs the scope admin
                                                               (or HOLDFAST_URL and HOLDFAST_KEY in the environment)

  --source wms     as which source it reports                  --seconds 30   ends after so long
  --rate 200       events a second, at most ${RATE_MOST.toLocaleString('en')}              --orders 300   only the first so many orders
  --seed 1         the same seed, the same mishaps             --all          all four years

On a service that runs, it makes items, the locations central, east, south and west, the channels web, edi and
inside_sales, and the source, and sets the stock to its opening figures. Nobody else should move it meanwhile.
It ends with 0 if everything held, and with 1 if it did not.`;

/** What the command line asks for; undefined: the help. Throws an Error that says what is wrong. */
export function readOptions(args: readonly string[], env: Record<string, string | undefined>): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      source: { type: 'string', default: 'wms' },
      rate: { type: 'string', default: '200' },
      duplicates: { type: 'string', default: '0%' },
      disorder: { type: 'string', default: '0%' },
      garbage: { type: 'string', default: '0%' },
      seconds: { type: 'string' },
      orders: { type: 'string' },
      all: { type: 'boolean', default: false },
      seed: { type: 'string', default: '1' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(values.source)) {
    throw new Error(`--source takes a code of letters, digits, dots, dashes and underscores, not ${values.source}.`);
  }
  return {
    service: readService(values, env),
    source: values.source,
    rate: wholeNumber('--rate', values.rate, RATE_MOST),
    shares: {
      duplicates: share('--duplicates', values.duplicates),
      disorder: share('--disorder', values.disorder),
      garbage: share('--garbage', values.garbage),
    },
    seconds: values.seconds === undefined ? SECONDS_MOST : wholeNumber('--seconds', values.seconds, SECONDS_MOST),
    all: values.all,
    first: values.orders === undefined ? undefined : wholeNumber('--orders', values.orders),
    seed: wholeNumber('--seed', values.seed, SEED_MOST),
    directory: `${env.DATA_DIR || '.data'}/simulator`,
  };
}

function share(option: string, text: string): number {
  const value = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (value === undefined || Number(value) > SHARE_MOST) {
    throw new Error(`${option} takes a share such as 5%, at most ${SHARE_MOST}%, not ${text || 'nothing'}.`);
  }
  return Number(value) / 100;
}
