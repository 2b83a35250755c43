import { parseArgs } from 'node:util';

export interface Options {
  /** A running service and a key with the scope admin; undefined: the demo starts a service of its own. */
  readonly service: { readonly url: string; readonly key: string } | undefined;
  /** All four years instead of the latest. */
  readonly all: boolean;
  /** Only the first so many orders of the period. */
  readonly first: number | undefined;
  /** Where a service of its own keeps its data. */
  readonly directory: string;
}

export const HELP = `Plays a distributor's orders through the public API of Holdfast, and checks that not a unit was lost or sold twice.

  npm run demo                                the latest year, on a service of its own (data: .data/demo, fresh each time)
  npm run demo -- --all                       all four years
  npm run demo -- --orders 60                 only the first 60 orders
  npm run demo -- --url http://… --key hf_…   on a service that runs; the key needs the scope admin
                                              (or HOLDFAST_URL and HOLDFAST_KEY in the environment)

On a service that runs, the demo makes items, the locations central, east, south, west and the channels web, edi and
inside_sales, sets their stock to its opening figures, and can be run again. Nobody else should sell from them meanwhile.
It ends with 0 if everything held, and with 1 if it did not.`;

/** What the command line asks for; undefined: the help. Throws an Error that says what is wrong. */
export function readOptions(args: readonly string[], env: Record<string, string | undefined>): Options | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: { type: 'string' },
      key: { type: 'string' },
      all: { type: 'boolean', default: false },
      orders: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  return {
    service: readService(values, env),
    all: values.all,
    first: values.orders === undefined ? undefined : wholeNumber('--orders', values.orders),
    directory: `${env.DATA_DIR || '.data'}/demo`,
  };
}

/** The running service that is meant, if one is. Throws an Error that says what is wrong. */
export function readService(
  values: { readonly url?: string; readonly key?: string },
  env: Record<string, string | undefined>,
): { url: string; key: string } | undefined {
  const url = values.url || env.HOLDFAST_URL || undefined;
  const key = values.key || env.HOLDFAST_KEY;
  if (url !== undefined && !/^https?:\/\/[^/]/.test(url)) throw new Error(`--url takes http://host:port, not ${url}.`);
  if (url !== undefined && !key)
    throw new Error('With --url goes --key: one that npm start printed, or another with the scope admin.');
  if (url === undefined && values.key) throw new Error('--key belongs to a running service: add --url.');
  return url === undefined ? undefined : { url: url.replace(/\/+$/, ''), key: key as string };
}

/** Throws an Error that says what is wrong. */
export function wholeNumber(option: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  const bounds = most === Number.MAX_SAFE_INTEGER ? 'from 1 on' : `from 1 to ${most.toLocaleString('en')}`;
  throw new Error(`${option} takes a whole number ${bounds}, not ${text || 'nothing'}.`);
}
