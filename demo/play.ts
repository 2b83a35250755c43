import { reportAll } from '../simulator/simulate.js';
import type { Book } from './book.js';
import { Carts } from './carts.js';
import type { Client } from './client.js';
import { closeUp } from './close-up.js';
import { readDataset, selectOrders } from './dataset.js';
import type { Options } from './options.js';
import { type Check, check, prove, proveReservations } from './proof.js';
import { type Race, raceForLastUnits } from './race.js';
import * as report from './report.js';
import { reportByFeed } from './reporting.js';
import type { SalesDesk } from './sales.js';
import { meet, openBook, readPositions, setUp, tidyUp } from './setting-up.js';
import { figure } from './table.js';
import { type Month, Tally } from './tally.js';
import { Trading } from './trading.js';
import { playedDays, worldOf } from './world.js';

/** The simulator's warehouses in the demo: so many orders of the year, over a line that is as bad as a real one. */
const FEED = {
  ...{ source: 'wms', rate: 1_000, seconds: 60, all: false, first: 80, seed: 1 },
  shares: { duplicates: 0.05, disorder: 0.1, garbage: 0.01 },
};

type Say = (text: string) => void;

/** The whole demo, on a service that answers. Answers whether everything held. */
export async function play(client: Client, options: Options, say: Say): Promise<boolean> {
  const since = performance.now();
  await meet(client);
  const dataset = await readDataset();
  const orders = selectOrders(dataset.orders, options);
  const world = worldOf(dataset.products, orders);
  const days = playedDays(orders, world.deliveries);

  say(report.heading('THE ORDERS'));
  say(report.dataSheet(orders, days));
  say(report.heading('THE DISTRIBUTOR: catalogue and stock by bulk import'));
  const tidied = await tidyUp(client);
  if (tidied > 0) say(`  (An earlier run had left ${figure(tidied)} reservations open: they are cancelled.)`);
  const imported = await setUp(client, world, say);
  say(`\n${report.imports(imported)}\n`);
  say(`${report.opening(world)}\n`);
  say(`${report.STOCK_RULE}\n`);
  say(report.channels());
  const before = await readPositions(client);
  const book = openBook(world, before);

  const single = await closeUp(client, book, world);
  if (single) {
    say(report.heading('ONE ORDER CLOSELY: a case, sold in the web shop'));
    say(report.closeUpTable(single));
  }

  say(
    report.heading(
      'THE CALENDAR: three channels sell from the same stock at the same time (reserved, received, shipped: pieces)',
    ),
  );
  const trading = new Trading(client, book, world, orders);
  const carts = new Carts(client, book, trading.desk.abandoned);
  const started = performance.now();
  const halfTime = days[Math.floor(days.length / 2)] as string;
  const checks: Check[] = [];
  await playCalendar(trading, days, say, async (day) => {
    if (day !== halfTime) return;
    await carts.expire();
    checks.push(...(await prove(client, book, `at half time, on ${day}`)));
  });
  const seconds = (performance.now() - started) / 1_000;

  say(report.heading('THE CHANNELS: what became of their orders'));
  say(report.byChannel(trading.channels));
  say(`\n  Deliveries filled ${figure(trading.backordersFilled)} backordered pieces.`);

  await carts.expire();
  checks.push(await cartsCheck(carts), repeatsCheck(trading.desk));

  const reported = await reportByFeed(client, book);
  if (reported) {
    say(report.heading('THE FEED: a warehouse reports for itself, signed, through POST /v1/ingest/wms'));
    say(report.reportedTable(reported));
    checks.push(reported.check);
  }

  say(report.heading('THE LAST UNITS: thirty customers of three channels want one each, at the same moment'));
  const races = await raceForLastUnits(client, book, world);
  say(races.length > 0 ? report.races(races) : '  Nothing is scarce enough to fight over.');
  checks.push(racesCheck(races));

  say(report.heading('BEFORE AND AFTER: pieces'));
  checks.push(...(await prove(client, book, 'at the end')), await proveReservations(client, book));
  say(report.beforeAndAfter(book, before, await readPositions(client)));

  say(report.heading('THE WAREHOUSES AT WORK: the feed of npm run simulate, over a bad line, with stock of its own'));
  // Of its own: the orders of the demo have left already, and what has left once does not leave again.
  checks.push(...(await reportAll(client, dataset, FEED, say, `${client.run}-feed`)));

  say(report.heading('ASIDE: how long the calls took, seen from here (client and service share this machine)'));
  say(report.latencies(client.timings));
  say(`\n  ${summary(client, book, orders.length / seconds)}`);

  say(report.heading('WHAT MUST HOLD'));
  say(report.verdict(checks));
  const holds = checks.every((each) => each.holds);
  say(
    `\n${holds ? 'Everything holds.' : 'NOT EVERYTHING HOLDS.'} ${((performance.now() - since) / 1_000).toFixed(1)} s.`,
  );
  return holds;
}

/** A line a month when it is over; over more than a year, a line a quarter. */
async function playCalendar(
  trading: Trading,
  days: readonly string[],
  say: Say,
  afterDay: (day: string) => Promise<void>,
): Promise<void> {
  const years = new Set(days.map((day) => day.slice(0, 4))).size;
  const periodOf = years > 2 ? quarterOf : (day: string) => day.slice(0, 7);
  const all = { sold: new Tally(), received: 0, shipped: 0 };
  say(report.calendarHead());
  for (const [index, day] of days.entries()) {
    await trading.play(day);
    await afterDay(day);
    const period = periodOf(day);
    const next = days[index + 1];
    if (next !== undefined && periodOf(next) === period) continue;
    const sum = sumOf([...trading.months.values()].filter(({ month }) => periodOf(`${month}-01`) === period));
    add(all, sum);
    say(report.calendarLine(period, sum));
  }
  say(report.calendarLine('all', all));
}

function quarterOf(day: string): string {
  return `${day.slice(0, 4)} Q${Math.ceil(Number(day.slice(5, 7)) / 3)}`;
}

type Sum = Omit<Month, 'month'>;

function sumOf(months: readonly Month[]): Sum {
  const sum = { sold: new Tally(), received: 0, shipped: 0 };
  for (const month of months) add(sum, month);
  return sum;
}

function add(sum: Sum, { sold, received, shipped }: Sum): void {
  sum.sold.include(sold);
  sum.received += received;
  sum.shipped += shipped;
}

async function cartsCheck(carts: Carts): Promise<Check> {
  const answer = await carts.payTooLate();
  const faults = answer === undefined || answer === 'hold_expired' ? [] : [`paying too late was answered ${answer}`];
  return check(
    'carts left standing expire after their second',
    faults,
    carts.count === 0 ? 'none was left standing' : `${figure(carts.count)} expired; paying too late: 409 hold_expired`,
  );
}

function repeatsCheck({ sentTwice, answeredOtherwise }: SalesDesk): Check {
  const faults = answeredOtherwise === 0 ? [] : [`${answeredOtherwise} of ${sentTwice} were answered otherwise`];
  return check(
    'an order sent twice is the same order',
    faults,
    `sent again with the same Idempotency-Key: ${figure(sentTwice)}; answered as the first time: ${figure(sentTwice)}`,
  );
}

function racesCheck(races: readonly Race[]): Check {
  const unfair = races.filter(({ fair }) => !fair).map(({ sku }) => sku);
  const pieces = races.reduce((sum, { left }) => sum + left, 0);
  const asked = races.reduce((sum, { asked }) => sum + asked, 0);
  return check(
    'each of the last units is sold exactly once',
    unfair,
    `${figure(pieces)} pieces, ${figure(asked)} customers, ${figure(asked - pieces)} told insufficient_stock`,
  );
}

function summary(client: Client, book: Book, ordersPerSecond: number): string {
  const calls = [...client.timings.values()].reduce((sum, timings) => sum + timings.length, 0);
  return (
    `${figure(calls)} calls, ${figure(client.retries)} of them retries; ${figure(book.reservations.size)} reservations; ` +
    `${figure(Math.round(ordersPerSecond))} orders a second, a day of the calendar after the other.`
  );
}
