import { setTimeout as delay } from 'node:timers/promises';
import type { Import, Position, Reservation } from './answers.js';
import { Book } from './book.js';
import { atMost, type Client } from './client.js';
import { figure } from './table.js';
import { CHANNELS, placeOf, WAREHOUSES, type World } from './world.js';

/** How often the progress of an import is looked at, in milliseconds. */
const LOOK_EVERY_MS = 300;

/** An import that has come to its end. */
export interface Imported {
  readonly kind: string;
  readonly format: string;
  readonly rows: number;
  readonly applied: number;
  /** Of those applied: rows that were so already. */
  readonly unchanged: number;
  readonly failed: number;
  readonly seconds: number;
}

type Progress = (line: string) => void;

/** The first questions: is there a service, is it ready, may we. Throws an Error that says what to do. */
export async function meet(client: Client): Promise<void> {
  await client.knock();
  for (const { code, name } of WAREHOUSES) await mustBeOurs(client, 'location', `/v1/locations/${code}`, name);
  for (const { code, name } of CHANNELS) await mustBeOurs(client, 'channel', `/v1/channels/${code}`, name);
}

/** On a service with data of its own, ours must not be mixed with it. */
async function mustBeOurs(client: Client, what: string, path: string, name: string): Promise<void> {
  const found = await client.get<{ name: string }>('read the set-up', path, { expect: [404] });
  if (found.status === 404 || found.body.name === name) return;
  throw new Error(
    `This service has a ${what} ${path.split('/').at(-1)} of its own ("${found.body.name}"), which the demo would change. ` +
      'Use a service without data, or leave --url out: then the demo starts one.',
  );
}

/** Takes back what an earlier run left open because it was interrupted. Answers how many reservations that were. */
export async function tidyUp(client: Client): Promise<number> {
  let tidied = 0;
  for (const { code } of CHANNELS) {
    const { status } = await client.get('read the set-up', `/v1/channels/${code}`, { expect: [404] });
    if (status === 404) continue;
    for (const [state, verb] of [
      ['held', 'release'],
      ['committed', 'cancel'],
      ['partially_shipped', 'cancel'],
    ] as const) {
      const open = await client.list<Reservation>(
        'list reservations',
        `/v1/reservations?channel=${code}&status=${state}`,
      );
      // What a person has reserved there by hand is left alone: it has no reference of ours.
      const ours = open.filter(({ orderRef }) => /^(CA|US|demo)-.*\//.test(orderRef ?? ''));
      await atMost(8, ours, ({ id }) =>
        client.post(verb, `/v1/reservations/${id}/${verb}`, undefined, { expect: [409] }),
      );
      tidied += ours.length;
    }
  }
  return tidied;
}

/** Locations, catalogue and opening stock by bulk import, and the channels. */
export async function setUp(client: Client, world: World, progress: Progress): Promise<Imported[]> {
  const warehouses = WAREHOUSES.map(({ code, name }) => ({ code, name, type: 'warehouse' }));
  const imported = [
    await importRows(client, 'locations', 'NDJSON', warehouses.map(toJson), progress),
    await importRows(client, 'items', 'NDJSON', world.items.map(toJson), progress),
  ];
  for (const { code, name, locations, sourcing, priority, backorderLimit } of CHANNELS) {
    const channel = { name, locations, sourcing, priority, backorderLimit };
    await client.put('put a channel', `/v1/channels/${code}`, channel);
  }
  const levels = world.opening.map(({ sku, location, onHand }) => `${sku},${location},${onHand}`);
  imported.push(await importRows(client, 'levels', 'CSV', ['sku,location,onHand', ...levels], progress));
  return imported;
}

async function importRows(
  client: Client,
  kind: string,
  format: 'CSV' | 'NDJSON',
  lines: readonly string[],
  progress: Progress,
): Promise<Imported> {
  const since = performance.now();
  const started = await client.post<Import>('import', `/v1/imports?kind=${kind}`, `${lines.join('\n')}\n`, {
    contentType: format === 'CSV' ? 'text/csv' : 'application/x-ndjson',
  });
  const total = lines.length - (format === 'CSV' ? 1 : 0);
  let state = started.body;
  while (state.status === 'queued' || state.status === 'running') {
    await delay(LOOK_EVERY_MS);
    state = (await client.get<Import>('import progress', `/v1/imports/${state.id}`)).body;
    progress(`  ${kind}: ${figure(state.rows)} of ${figure(total)} rows`);
  }
  const { status, rows, applied, unchanged, failed, problem } = state;
  if (status === 'failed') throw new Error(`The import of the ${kind} failed: ${problem?.code}. ${problem?.detail}`);
  if (failed > 0 || rows !== total) {
    const first = state.failures.data[0];
    const why = first ? ` Line ${first.line}: ${first.code}. ${first.detail}` : '';
    throw new Error(`The import of the ${kind} applied ${applied} of ${total} rows and refused ${failed}.${why}`);
  }
  return { kind, format, rows, applied, unchanged, failed, seconds: (performance.now() - since) / 1_000 };
}

function toJson(row: object): string {
  return JSON.stringify(row);
}

/** Every position of the demo's warehouses, as the service has it now. */
export async function readPositions(client: Client): Promise<Position[]> {
  const pages = await Promise.all(
    WAREHOUSES.map(({ code }) => client.list<Position>('list positions', `/v1/stock?location=${code}`)),
  );
  return pages.flat();
}

/**
 * Opens the books with the stock that was sent. From the service they take one thing: what is reserved there already
 * by others, which is nothing on a service of its own.
 */
export function openBook(world: World, found: readonly Position[]): Book {
  const reserved = new Map(found.map((position) => [placeOf(position.sku, position.location), position.reserved]));
  const book = new Book(world.piecesPer);
  for (const level of world.opening) book.open(level, reserved.get(placeOf(level.sku, level.location)) ?? 0);
  return book;
}
