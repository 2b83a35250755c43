import type { Response } from 'supertest';
import type { TestApp } from '../support/app.js';
import { type Fleet, stocked } from './fleet.js';

export interface Play {
  /** Who play at once, each one move after the other. */
  readonly players: number;
  readonly moves: number;
  /** Few, so that they meet. */
  readonly skus: number;
  readonly random: () => number;
}

/** Everything a client can do to a reservation, over few SKUs at two locations, by many at once. Every answer. */
export async function playAtRandom(fleet: Fleet, { players, moves, skus, random }: Play): Promise<Response[]> {
  const world = await stocked(fleet.first, [20, 10], { maxHoldTtlSeconds: 3_600 });
  const items = [world.sku];
  while (items.length < skus) {
    const { sku } = await fleet.first.given.item();
    items.push(sku);
    for (const location of world.locations) await fleet.first.given.stock(sku, location, 15);
  }
  const whole = (most: number) => Math.floor(random() * most);
  const one = <T>(of: readonly T[]): T => of[whole(of.length)] as T;
  const known: { id: string; version: number }[] = [];
  const answers: Response[] = [];
  let shipments = 0;

  const line = () => ({ sku: one(items), quantity: 1 + whole(3) });
  const move = (app: TestApp) => {
    const api = app.api();
    const reservation = known[whole(known.length)];
    const kind = reservation ? whole(12) : 0;
    if (!reservation || kind <= 3) {
      const lines = Array.from({ length: 1 + whole(3) }, line);
      const mode = one(['all_or_nothing', 'partial']);
      const body = { channel: world.channel, lines, mode, commit: whole(3) === 0, ttlSeconds: 1 + whole(120) };
      return api.post('/v1/reservations', body);
    }
    const at = `/v1/reservations/${reservation.id}`;
    switch (kind) {
      case 4:
      case 5:
        return api.post(`${at}/commit`);
      case 6:
        return api.post(`${at}/release`);
      case 7:
        return api.post(`${at}/cancel`, whole(2) === 0 ? {} : { lines: [{ line: 1, quantity: 1 }] });
      case 8:
        return api.post(`${at}/ship`, {
          shipmentRef: `S${++shipments}`,
          ...(whole(2) === 0 ? {} : { lines: [{ line: 1, quantity: 1, location: one(world.locations) }] }),
        });
      case 9:
        return api
          .put(`${at}/lines`, { lines: [line(), line()] })
          .set('If-Match', whole(2) === 0 ? '*' : `"${reservation.version}"`);
      case 10:
        return whole(2) === 0
          ? api.post(`${at}/extend`, { ttlSeconds: 60 })
          : api.post(`${at}/unship`, { shipmentRef: `S${1 + whole(shipments)}` });
      default:
        return api.post('/v1/stock/adjustments', {
          sku: one(items),
          location: one(world.locations),
          reason: 'count',
          ...(whole(2) === 0 ? { delta: 5 - whole(8) } : { onHand: whole(30) }),
        });
    }
  };

  await Promise.all(
    Array.from({ length: players }, async () => {
      for (let turn = 0; turn < moves; turn += 1) {
        if (whole(10) === 0) fleet.clock.advance(whole(20_000));
        const answer = await move(fleet.next());
        answers.push(answer);
        if (answer.status === 201 && answer.body.id) known.push(answer.body);
      }
    }),
  );
  return answers;
}
