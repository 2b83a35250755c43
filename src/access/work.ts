/** Units that a change costs on top of its lines: it locks, writes and waits for the disk where reading does not. */
const CHANGE = 5;
/** Locations that a line is decided over for one unit. */
const LOCATIONS_A_UNIT = 10;

/**
 * What a request costs of its limit: 1 for reading, 5 for a change, and a line of its body 1 for every ten locations of the
 * channel, begun ones counted. So reading one item is 1 and a query of n lines n; a hold of n lines is 5 + n, and a batch of
 * holds the sum of its holds. `body`: as it was sent, of which nothing is known yet.
 */
export function workOf(body: unknown, changes: boolean, locations: number): number {
  const aLine = Math.max(1, Math.ceil(locations / LOCATIONS_A_UNIT));
  const reservations = listIn(body, 'reservations') ?? [body];
  const lines = reservations.reduce((sum: number, each) => sum + (listIn(each, 'lines')?.length ?? 0), 0);
  if (!changes) return Math.max(1, lines) * aLine;
  return CHANGE * Math.max(1, reservations.length) + lines * aLine;
}

function listIn(body: unknown, member: string): readonly unknown[] | undefined {
  const list = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[member] : undefined;
  return Array.isArray(list) ? list : undefined;
}
