import { setTimeout as delay } from 'node:timers/promises';
import type { Audit, Position, Reservation } from './answers.js';
import type { Book } from './book.js';
import type { Client } from './client.js';
import { readPositions } from './setting-up.js';
import { figure } from './table.js';
import { CHANNELS, placeOf } from './world.js';

/** Something that must be true, and whether it is. */
export interface Check {
  readonly rule: string;
  readonly holds: boolean;
  /** What was looked at, or what is wrong. */
  readonly detail: string;
}

/**
 * An expired hold leaves every answer at once, but the figure `reserved` of its positions only when its release is
 * posted, by the service's next look: one second apart (semantics.md 16).
 */
const RELEASES_WITHIN_MS = 5_000;
const SHOWN = 5;

/** The service's own audit of its invariants, and its figures beside the demo's books. `when` goes into the rules. */
export async function prove(
  client: Client,
  book: Book,
  when: string,
  releasesWithinMs = RELEASES_WITHIN_MS,
): Promise<Check[]> {
  const { body: audit } = await client.get<Audit>('audit', '/v1/stock/audit');
  const found = audit.findings.map(
    ({ rule, sku, location, expected, actual }) => `${sku} at ${location}: ${rule}: ${actual} instead of ${expected}`,
  );
  const until = Date.now() + releasesWithinMs;
  let compared = compare(book, await readPositions(client));
  while (compared.reserved.length > 0 && Date.now() < until) {
    await delay(500);
    compared = compare(book, await readPositions(client));
  }
  return [
    check(`${when}: the service audits itself`, found, `${figure(audit.checked)} positions, no finding`),
    check(
      `${when}: on hand = opening + received − shipped`,
      compared.onHand,
      `${figure(book.places.size)} positions, ${figure(compared.pieces)} pieces`,
    ),
    check(
      `${when}: reserved = what open reservations hold`,
      compared.reserved,
      `${figure(compared.open)} reservations open, ${figure(compared.reservedPieces)} pieces`,
    ),
  ];
}

/** Every reservation the service has acknowledged to the demo exists, as it was last answered. */
export async function proveReservations(client: Client, book: Book): Promise<Check> {
  const lists = await Promise.all(
    CHANNELS.map(({ code }) => client.list<Reservation>('list reservations', `/v1/reservations?channel=${code}`)),
  );
  const found = new Map(lists.flat().map((reservation) => [reservation.id, reservation]));
  const faults = [...book.reservations.values()].flatMap((expected) => {
    const actual = found.get(expected.id);
    if (!actual) return [`${expected.id} is gone`];
    return summary(actual) === summary(expected) ? [] : [`${summary(actual)} instead of ${summary(expected)}`];
  });
  const seen = `${figure(book.reservations.size)} acknowledged, every one there as last answered`;
  return check('at the end: no reservation is lost or changed', faults, seen);
}

function summary({ id, status, lines }: Reservation): string {
  const each = lines.map(({ sku, uom, reserved, shipped }) => `${sku} ${reserved}+${shipped} ${uom}`);
  return `${id} ${status} (${each.join(', ')})`;
}

export function check(rule: string, faults: readonly string[], seen: string): Check {
  if (faults.length === 0) return { rule, holds: true, detail: seen };
  const more = faults.length > SHOWN ? `; and ${faults.length - SHOWN} more` : '';
  return { rule, holds: false, detail: `${faults.slice(0, SHOWN).join('; ')}${more}` };
}

interface Comparison {
  /** Differences, in words. */
  readonly onHand: readonly string[];
  readonly reserved: readonly string[];
  readonly pieces: number;
  readonly reservedPieces: number;
  /** Reservations of the demo under which something stands. */
  readonly open: number;
}

function compare(book: Book, positions: readonly Position[]): Comparison {
  const found = new Map(positions.map((position) => [placeOf(position.sku, position.location), position]));
  const reservedByUs = book.reserved();
  const onHand: string[] = [];
  const reserved: string[] = [];
  let pieces = 0;
  for (const [place, expected] of book.places) {
    const actual = found.get(place);
    const there = expected.opening + expected.received - expected.shipped;
    pieces += there;
    if ((actual?.onHand ?? 0) !== there) onHand.push(`${place} has ${actual?.onHand}, expected ${there}`);
    const held = expected.foreign + (reservedByUs.get(place) ?? 0);
    if ((actual?.reserved ?? 0) !== held) reserved.push(`${place} has ${actual?.reserved} reserved, expected ${held}`);
  }
  const reservedPieces = [...reservedByUs.values()].reduce((sum, quantity) => sum + quantity, 0);
  const open = [...book.reservations.values()].filter(({ lines }) => lines.some((line) => line.reserved > 0)).length;
  return { onHand, reserved, pieces, reservedPieces, open };
}
