import type { Reservation } from '../../demo/answers.js';
import { Book } from '../../demo/book.js';
import { Client } from '../../demo/client.js';
import { prove, proveReservations } from '../../demo/proof.js';
import { CHANNELS, WAREHOUSES } from '../../demo/world.js';
import { startApp, type TestApp } from '../support/app.js';

describe('what the demo checks at its end', () => {
  let app: TestApp;
  let client: Client;
  let book: Book;

  beforeAll(async () => {
    app = await startApp();
    client = new Client(app.url, app.adminKey, 'test', new AbortController().signal);
    for (const { code, name } of WAREHOUSES) await app.given.location({ code, name });
    for (const { code, locations } of CHANNELS) await app.given.channel({ code, locations });
    await app.given.item({ sku: 'PENS' });
    await app.given.stock('PENS', 'east', 10);
  });
  afterAll(() => app.close());
  beforeEach(() => {
    book = new Book(() => 1);
    book.open({ sku: 'PENS', location: 'east', onHand: 10 }, 0);
  });

  const rules = async () => (await prove(client, book, 'now', 0)).filter(({ holds }) => !holds);
  const hold = async (quantity: number) => {
    const body = { channel: 'web', lines: [{ sku: 'PENS', quantity }] };
    return (await client.post<Reservation>('hold', '/v1/reservations', body)).body;
  };

  it('holds while the books and the service agree, and notices when a piece is missing from either', async () => {
    expect(await rules()).toEqual([]);
    book.receive('PENS', 'east', 1);
    expect(await rules()).toEqual([
      {
        rule: 'now: on hand = opening + received − shipped',
        holds: false,
        detail: 'PENS east has 10, expected 11',
      },
    ]);
  });

  it('notices what is reserved without a reservation that the demo knows', async () => {
    const known = book.keep(await hold(2));
    expect(await rules()).toEqual([]);
    const { id } = await hold(3);
    expect((await rules()).map(({ detail }) => detail)).toEqual(['PENS east has 5 reserved, expected 2']);
    await client.post('release', `/v1/reservations/${id}/release`);
    expect(await rules()).toEqual([]);
    expect((await proveReservations(client, book)).holds).toBe(true);
    await client.post('release', `/v1/reservations/${known.id}/release`);
    expect((await proveReservations(client, book)).detail).toContain(
      `${known.id} released (PENS 0+0 EA) instead of ${known.id} held (PENS 2+0 EA)`,
    );
  });

  it('notices an acknowledged reservation that is not there', async () => {
    book.keep({ id: 'res_gone', channel: 'web', orderRef: null, status: 'committed', version: 1, lines: [] });
    const { holds, detail } = await proveReservations(client, book);
    expect([holds, detail]).toEqual([false, 'res_gone is gone']);
  });
});
