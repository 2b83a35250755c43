import fc from 'fast-check';
import type { Response } from 'supertest';
import { startApp, type TestApp } from '../support/app.js';
import { expectInvariants } from '../support/invariants.js';
import { expectNothingOversold, stocked } from './fleet.js';

/**
 * Semantics 4 to 19 over again, as simple as can be: a few numbers and no batches, locks or SQL. The service must
 * answer as this does, whatever happens in whatever order.
 */
interface Line {
  readonly item: number;
  reserved: number;
  shipped: number;
}
interface Reserved {
  status: string;
  readonly expiresAt: number;
  readonly lines: Line[];
  /** Part of it was cancelled. */
  reduced?: boolean;
  shipment: { parts: number[] } | undefined;
}
interface Model {
  now: number;
  readonly onHand: number[];
  readonly reservations: Reserved[];
}
/** The service, and what it calls what the model counts. */
interface Real {
  readonly at: TestApp;
  readonly skus: string[];
  readonly channel: string;
  readonly location: string;
  readonly ids: string[];
  readonly shipments: (string | undefined)[];
}

const ITEMS = 2;
const RUNS = Number(process.env.RUNS ?? 60);
const ALREADY: Record<string, string> = {
  committed: 'already_committed',
  partially_shipped: 'already_shipped',
  shipped: 'already_shipped',
  released: 'already_released',
  expired: 'hold_expired',
  cancelled: 'already_cancelled',
};

const statusOf = (model: Model, of: Reserved) =>
  of.status === 'held' && of.expiresAt <= model.now ? 'expired' : of.status;
const freeOf = (model: Model, item: number) => {
  const live = model.reservations.filter((each) => statusOf(model, each) !== 'expired').flatMap(({ lines }) => lines);
  const reserved = live.reduce((sum, line) => sum + (line.item === item ? line.reserved : 0), 0);
  return Math.max(0, (model.onHand[item] as number) - reserved);
};
const settle = (of: Reserved) => {
  const shipped = of.lines.some((line) => line.shipped > 0);
  const open = of.lines.some((line) => line.reserved > 0);
  of.status = open ? (shipped ? 'partially_shipped' : 'committed') : shipped ? 'shipped' : 'cancelled';
};
/** Of its first line so much, or all there is of each. */
const partsOf = (of: Reserved, quantity: number | undefined) =>
  of.lines.map(({ reserved }, i) => (quantity === undefined ? reserved : i === 0 ? quantity : 0));
const asked = (quantity: number | undefined) => (quantity === undefined ? {} : { lines: [{ line: 1, quantity }] });

abstract class Step implements fc.AsyncCommand<Model, Real> {
  check = () => true;

  async run(model: Model, real: Real): Promise<void> {
    const expected = this.expect(model);
    const { status, body } = await this.send(real);
    expect(`${this}: ${status < 400 ? status : body.code}`).toBe(`${this}: ${expected}`);
    if (status === 201 && body.id) real.ids.push(body.id);
    const { body: quoted } = await real.at
      .api()
      .post('/v1/availability/query', { channel: real.channel, lines: real.skus.map((sku) => ({ sku })) });
    expect(quoted.lines.map(({ available }: { available: number }) => available)).toEqual(
      real.skus.map((_, item) => freeOf(model, item)),
    );
  }

  /** What the model answers, having changed. */
  protected abstract expect(model: Model): string | number;
  protected abstract send(real: Real): PromiseLike<Response>;
}

class Hold extends Step {
  constructor(
    private readonly lines: { item: number; quantity: number }[],
    private readonly ttl: number,
    private readonly commit: boolean,
  ) {
    super();
  }
  protected override expect(model: Model) {
    const wanted = (item: number) => this.lines.reduce((sum, l) => sum + (l.item === item ? l.quantity : 0), 0);
    if (this.lines.some(({ item }) => wanted(item) > freeOf(model, item))) return 'insufficient_stock';
    model.reservations.push({
      status: this.commit ? 'committed' : 'held',
      expiresAt: model.now + this.ttl * 1_000,
      lines: this.lines.map(({ item, quantity }) => ({ item, reserved: quantity, shipped: 0 })),
      shipment: undefined,
    });
    return 201;
  }
  protected override send({ at, channel, skus }: Real) {
    const lines = this.lines.map(({ item, quantity }) => ({ sku: skus[item], quantity }));
    return at.api().post('/v1/reservations', { channel, lines, ttlSeconds: this.ttl, commit: this.commit });
  }
  override toString = () => `hold(${JSON.stringify(this.lines)}, ${this.ttl} s${this.commit ? ', commit' : ''})`;
}

/** A step of a reservation that is there; which one, counted round. */
abstract class StepOf extends Step {
  constructor(
    private readonly action: string,
    protected readonly which: number,
    protected readonly quantity: number | undefined,
  ) {
    super();
  }
  override check = (model?: Model) => (model?.reservations.length ?? 0) > 0;
  protected override expect(model: Model) {
    return this.decide(model, model.reservations[this.which % model.reservations.length] as Reserved);
  }
  protected override send(real: Real): PromiseLike<Response> {
    const id = real.ids[this.which % real.ids.length];
    return real.at.api().post(`/v1/reservations/${id}/${this.action}`, this.body(real));
  }
  protected abstract decide(model: Model, of: Reserved): string | number;
  protected body(_real: Real): object {
    return asked(this.quantity);
  }
  override toString = () => `${this.action}(${this.which}${this.quantity === undefined ? '' : `, ${this.quantity}`})`;
}

class Commit extends StepOf {
  protected override decide(model: Model, of: Reserved) {
    const status = statusOf(model, of);
    if (status !== 'held') return ALREADY[status] as string;
    const parts = partsOf(of, this.quantity);
    if (of.lines.some(({ reserved }, i) => (parts[i] as number) > reserved)) return 'exceeds_hold';
    for (const [i, line] of of.lines.entries()) line.reserved = parts[i] as number;
    of.status = 'committed';
    return 200;
  }
}

class Release extends StepOf {
  protected override decide(model: Model, of: Reserved) {
    const status = statusOf(model, of);
    if (status === 'released') return 200;
    if (status !== 'held') return ALREADY[status] as string;
    for (const line of of.lines) line.reserved = 0;
    of.status = 'released';
    return 200;
  }
  protected override body = () => ({});
}

/** Refuses what is no open commitment, or more than is open of it. */
const faultOf = (model: Model, of: Reserved, parts: number[]) => {
  const status = statusOf(model, of);
  if (status === 'held') return 'not_committed';
  if (status !== 'committed' && status !== 'partially_shipped') return ALREADY[status] as string;
  return of.lines.some(({ reserved }, i) => (parts[i] as number) > reserved) ? 'exceeds_commitment' : undefined;
};

class Cancel extends StepOf {
  protected override decide(model: Model, of: Reserved) {
    if (of.status === 'cancelled' || (of.status === 'shipped' && of.reduced)) return 200;
    const parts = partsOf(of, this.quantity);
    const fault = faultOf(model, of, parts);
    if (fault) return fault;
    for (const [i, line] of of.lines.entries()) line.reserved -= parts[i] as number;
    of.reduced = true;
    settle(of);
    return 200;
  }
}

class Ship extends StepOf {
  protected override decide(model: Model, of: Reserved) {
    const parts = partsOf(of, this.quantity);
    const fault = faultOf(model, of, parts);
    if (fault) return fault;
    for (let item = 0; item < ITEMS; item += 1) {
      const leaving = of.lines.reduce((sum, line, i) => sum + (line.item === item ? (parts[i] as number) : 0), 0);
      if (leaving > (model.onHand[item] as number)) return 'insufficient_stock';
    }
    for (const [i, line] of of.lines.entries()) {
      model.onHand[line.item] = (model.onHand[line.item] as number) - (parts[i] as number);
      line.reserved -= parts[i] as number;
      line.shipped += parts[i] as number;
    }
    of.shipment = { parts };
    settle(of);
    return 200;
  }
  protected override body(real: Real) {
    const shipmentRef = `S${real.shipments.push('') + 1}`;
    return { shipmentRef, ...asked(this.quantity) };
  }
}

class Unship extends StepOf {
  override check = (model?: Model) =>
    model?.reservations[this.which % Math.max(1, model.reservations.length)]?.shipment !== undefined;
  protected override decide(model: Model, of: Reserved) {
    for (const [i, line] of of.lines.entries()) {
      const quantity = of.shipment?.parts[i] ?? 0;
      model.onHand[line.item] = (model.onHand[line.item] as number) + quantity;
      line.shipped -= quantity;
      line.reserved += quantity;
    }
    of.shipment = undefined;
    settle(of);
    return 200;
  }
  protected override async send(real: Real) {
    const id = real.ids[this.which % real.ids.length];
    const { body } = await real.at.api().get(`/v1/reservations/${id}/history`);
    const last = body.data.findLast(({ action }: { action: string }) => action === 'ship');
    return real.at.api().post(`/v1/reservations/${id}/unship`, { shipmentRef: last.reference });
  }
}

class Adjust extends Step {
  constructor(
    private readonly item: number,
    private readonly change: { delta: number } | { onHand: number },
  ) {
    super();
  }
  protected override expect(model: Model) {
    const onHand =
      'onHand' in this.change ? this.change.onHand : (model.onHand[this.item] as number) + this.change.delta;
    if (onHand < 0) return 'negative_on_hand';
    model.onHand[this.item] = onHand;
    return 201;
  }
  protected override send({ at, skus, location }: Real) {
    return at.api().post('/v1/stock/adjustments', { sku: skus[this.item], location, reason: 'count', ...this.change });
  }
  override toString = () => `adjust(${this.item}, ${JSON.stringify(this.change)})`;
}

class Wait implements fc.AsyncCommand<Model, Real> {
  constructor(private readonly seconds: number) {}
  readonly check = () => true;

  async run(model: Model, { at }: Real): Promise<void> {
    model.now += this.seconds * 1_000;
    at.clock.advance(this.seconds * 1_000);
  }
  toString = () => `wait(${this.seconds} s)`;
}

const item = fc.nat(ITEMS - 1);
const quantity = fc.integer({ min: 1, max: 6 });
const which = fc.nat(5);
const some = fc.option(quantity, { nil: undefined });
const steps = [
  fc
    .tuple(
      fc.array(fc.record({ item, quantity }), { minLength: 1, maxLength: 3 }),
      fc.integer({ min: 1, max: 60 }),
      fc.boolean(),
    )
    .map((of) => new Hold(...of)),
  fc.tuple(which, some).map(([w, q]) => new Commit('commit', w, q)),
  which.map((w) => new Release('release', w, undefined)),
  fc.tuple(which, some).map(([w, q]) => new Cancel('cancel', w, q)),
  fc.tuple(which, some).map(([w, q]) => new Ship('ship', w, q)),
  which.map((w) => new Unship('unship', w, undefined)),
  fc
    .tuple(
      item,
      fc.oneof(
        fc
          .integer({ min: -6, max: 6 })
          .filter((n) => n !== 0)
          .map((delta) => ({ delta })),
        fc.nat(15).map((onHand) => ({ onHand })),
      ),
    )
    .map((of) => new Adjust(...of)),
  fc.integer({ min: 1, max: 40 }).map((seconds) => new Wait(seconds)),
];

describe('the service beside a simple model of it', () => {
  let at: TestApp;
  beforeAll(async () => {
    at = await startApp();
  });
  afterAll(() => at?.close());

  it(
    'answers as the model does, whatever happens in whatever order',
    async () => {
      const world = await stocked(at, [0]);
      await fc.assert(
        fc.asyncProperty(fc.commands(steps, { maxCommands: 25, size: 'max' }), async (commands) => {
          const skus = await Promise.all(
            Array.from({ length: ITEMS }, async () => (await at.given.item()).sku as string),
          );
          const location = world.locations[0] as string;
          for (const sku of skus) await at.given.stock(sku, location, 10);
          const setup = () => ({
            model: { now: at.clock.now(), onHand: skus.map(() => 10), reservations: [] },
            real: { at, skus, channel: world.channel, location, ids: [], shipments: [] },
          });
          await fc.asyncModelRun(setup, commands);
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      await expectInvariants(at.databaseUrl);
      await expectNothingOversold(at.databaseUrl);
    },
    RUNS * 1_000,
  );
});
