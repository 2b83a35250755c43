import { setTimeout as delay } from 'node:timers/promises';
import type { Audit, Position } from '../demo/answers.js';
import type { Client } from '../demo/client.js';
import { type Dataset, selectOrders } from '../demo/dataset.js';
import { Feed } from '../demo/feed.js';
import { type Check, check } from '../demo/proof.js';
import { verdict } from '../demo/report.js';
import { meet, readPositions, setUp } from '../demo/setting-up.js';
import { figure, table } from '../demo/table.js';
import { placeOf, WAREHOUSES, worldOf } from '../demo/world.js';
import { Chance } from './chance.js';
import { Disturbance } from './disturbance.js';
import type { Options } from './options.js';
import { LiveTable } from './report.js';
import { Sales } from './sales.js';
import { Sending } from './sending.js';
import { STATUSES, States } from './states.js';
import { DOINGS, Warehouse } from './warehouse.js';

const TICK_MS = 50;
const LINE_EVERY_MS = 1_000;
/** How long what was sent may take until it is applied, at the end. */
const SETTLES_WITHIN_MS = 60_000;

type Say = (text: string) => void;
export type Simulated = Omit<Options, 'service' | 'directory'>;

/** Plays warehouses that report, on a service that answers. Answers whether everything held. */
export async function simulate(client: Client, dataset: Dataset, options: Simulated, say: Say): Promise<boolean> {
  await meet(client);
  const checks = await reportAll(client, dataset, options, say);
  say(verdict(checks));
  const holds = checks.every((each) => each.holds);
  say(`\n${holds ? 'Everything holds.' : 'NOT EVERYTHING HOLDS.'}`);
  return holds;
}

/** Sets the stock to what the warehouses have, and reports what they do. `run`: in its references. Answers what must hold. */
export async function reportAll(
  client: Client,
  { orders: all, products }: Dataset,
  options: Simulated,
  say: Say,
  run = client.run,
): Promise<Check[]> {
  const orders = selectOrders(all, options);
  const sold = new Set(orders.flatMap(({ lines }) => lines.map(({ sku }) => sku)));
  const world = worldOf(
    products.filter(({ sku }) => sold.has(sku)),
    orders,
  );
  const chance = new Chance(options.seed);
  const warehouse = new Warehouse(orders, world.deliveries, chance, run);
  say(
    `\nSetting up ${figure(sold.size)} products and their opening stock at ${figure(warehouse.opening.length)} places …`,
  );
  await setUp(client, { ...world, opening: warehouse.opening }, () => {});
  const codes = WAREHOUSES.map(({ code }) => code);
  const feed = await Feed.open(client, options.source, 'Warehouses of the demo', codes);
  const before = await readPositions(client);
  const sending = new Sending(feed, new Disturbance(options.shares, new Chance(options.seed + 1), run));
  const sales = new Sales(client, orders, new Chance(options.seed + 2), run);
  const states = await States.of(client, options.source);

  say(
    `\n${orders[0]?.orderDate} to ${orders.at(-1)?.shipDate}, ${figure(options.rate)} events a second as ${options.source}:\n`,
  );
  const live = new LiveTable(say);
  const started = performance.now();
  let nextLine = 0;
  const work = warehouse.work();
  for (let over = false; !over; ) {
    const elapsed = performance.now() - started;
    over = elapsed >= options.seconds * 1_000;
    while (!over && sending.made < (elapsed / 1_000) * options.rate) {
      const { value, done } = work.next();
      if (done) over = true;
      else {
        sales.see(value);
        sending.take(value);
      }
    }
    if (over) sending.flush();
    await sales.sell();
    await sending.send();
    if (elapsed >= nextLine && !over) {
      nextLine = elapsed + LINE_EVERY_MS;
      await states.look();
      live.line(sending, states.counts(), await feed.health());
    }
    if (!over) await delay(TICK_MS);
  }
  await feed.settle(SETTLES_WITHIN_MS);
  const seconds = (performance.now() - started) / 1_000;
  await states.look({ all: true });
  live.line(sending, states.counts(), await feed.health());
  say(`\n${figure(sending.made)} events in ${seconds.toFixed(1)} s: ${figure(sending.made / seconds)} a second.\n`);

  const { duplicates, disordered, garbage } = sending.line;
  const done = DOINGS.map((doing) => [doing, sending.done.get(doing) ?? 0] as const);
  say(table(['in the warehouses', 'events'], done));
  say(
    `\n  The line made ${figure(duplicates)} copies, held back ${figure(disordered)}, added ${figure(garbage)} of garbage.\n`,
  );
  const counts = states.counts();
  say(
    table(
      ['in the inbox', 'events'],
      STATUSES.map((status) => [status, counts[status]]),
    ),
  );
  say(`\n${table(['health', ''], Object.entries(flat(await feed.health())))}\n`);
  return [
    statesCheck(sending, states),
    ...positionsChecks(warehouse, before, await readPositions(client)),
    await sales.shippedCheck(),
    await auditCheck(client),
  ];
}

/** Each event that was taken in is in one final state, and what the warehouses said is not among what went wrong. */
function statesCheck({ said, taken }: Sending, states: States): Check {
  const settled = new Map<string, number>();
  const faults: string[] = [];
  for (const id of taken) {
    const event = states.get(id);
    if (!event || event.status === 'received') faults.push(`${id} is ${event?.status ?? 'gone'}`);
    else if (event.status !== 'parked' && event.status !== 'exception') {
      settled.set(event.eventId, (settled.get(event.eventId) ?? 0) + 1);
    }
  }
  if (states.size !== taken.size) faults.push(`${taken.size} were taken in, and ${states.size} are in the inbox`);
  for (const id of said) if (settled.get(id) !== 1) faults.push(`${id} was settled ${settled.get(id) ?? 0} times`);
  for (const id of settled.keys()) if (!said.has(id)) faults.push(`${id} is garbage, and was applied`);
  const seen = `${figure(taken.size)} events; each of the ${figure(said.size)} that are true counted once, and no garbage`;
  return check('every event is in exactly one final state', faults, seen);
}

/** The warehouses' account beside the service's. What others announced before stays incoming. */
function positionsChecks(warehouse: Warehouse, before: readonly Position[], after: readonly Position[]): Check[] {
  const at = (positions: readonly Position[]) =>
    new Map(positions.map((position) => [placeOf(position.sku, position.location), position]));
  const [was, is] = [at(before), at(after)];
  const onHand: string[] = [];
  const incoming: string[] = [];
  let pieces = 0;
  let coming = 0;
  for (const level of warehouse.levels) {
    const place = placeOf(level.sku, level.location);
    const found = is.get(place);
    pieces += level.onHand;
    coming += level.incoming;
    const announced = (was.get(place)?.incoming ?? 0) + level.incoming;
    if (found?.onHand !== level.onHand) onHand.push(`${place} has ${found?.onHand}, expected ${level.onHand}`);
    if (found?.incoming !== announced) incoming.push(`${place} has ${found?.incoming} incoming, expected ${announced}`);
  }
  const places = `${figure(warehouse.levels.length)} positions`;
  return [
    check('on hand is what the warehouses have', onHand, `${places}, ${figure(pieces)} pieces`),
    check('incoming is what is announced and not here', incoming, `${places}, ${figure(coming)} pieces`),
  ];
}

async function auditCheck(client: Client): Promise<Check> {
  const { body } = await client.get<Audit>('audit', '/v1/stock/audit');
  const found = body.findings.map(({ rule, sku, location }) => `${sku} at ${location}: ${rule}`);
  return check('the service audits itself', found, `${figure(body.checked)} positions, no finding`);
}

function flat(health: object): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(health).flatMap(([name, value]) =>
      typeof value === 'object' && value !== null
        ? Object.entries(value).map(([inner, figure]) => [`${name}.${inner}`, figure as number])
        : [[name, typeof value === 'number' ? value : String(value)]],
    ),
  );
}
