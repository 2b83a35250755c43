import type { Statement } from './combined.js';
import type { EngineClient } from './connections.js';
import { type Answered, Flight } from './flight.js';
import { isOutage } from './outage.js';

const BEGIN = { name: 'begin', text: 'begin' };
const COMMIT = { name: 'commit', text: 'commit' };
const ROLLBACK = { name: 'rollback', text: 'rollback' };

/**
 * A transaction whose statements are sent without waiting for answers: what is sent in one turn of the event loop leaves
 * as one flight. After a failure nothing more of its flight is done, and none leaves that has not left yet.
 */
export class Pipeline {
  private readonly sent: Promise<unknown>[] = [];
  private flight: Flight | undefined;
  private failure: { error: unknown } | undefined;
  private committing = false;
  private committed = false;

  /** `observe`: is told of each statement, and when it is answered. */
  constructor(
    private readonly client: EngineClient,
    private readonly observe: <T>(statement: Statement, answered: () => Promise<T>) => Promise<T> = (_, answered) =>
      answered(),
  ) {}

  /** Whether COMMIT may have been sent: a connection that breaks after that leaves open whether it was done. */
  get mayBeCommitted(): boolean {
    return this.committing;
  }

  /** Sends a statement, prepared under its name at the first use. */
  readonly send = async <Row = never>(statement: Statement, values: readonly unknown[]): Promise<Row[]> => {
    const { rows } = await this.watch(this.board(statement, values));
    return rows as Row[];
  };

  begin(): void {
    this.track(this.board(BEGIN, []));
  }

  track(sent: Promise<unknown>): void {
    this.watch(sent).catch(() => {}); // looked at by `all` or `commit`
    this.sent.push(sent);
  }

  /** Waits for these and for everything sent before them; throws the first failure, the cause of the later ones. */
  async all<T extends readonly unknown[]>(these: { readonly [K in keyof T]: Promise<T[K]> }): Promise<T> {
    for (const each of these) each.catch(() => {});
    try {
      await Promise.all(this.sent.splice(0));
      return (await Promise.all(these)) as unknown as T;
    } catch (error) {
      throw this.failure?.error ?? error;
    }
  }

  /** In the turn of the last writes, COMMIT leaves in their flight, and only if they can. Nothing is sent behind it. */
  async commit(): Promise<void> {
    await null; // so that a write that failed on our side, without a turn in between, has failed by now
    const committed = this.watch(this.board(COMMIT, []));
    this.committing = true;
    await this.all([committed]);
    const { command } = await committed;
    this.committed = true;
    // The tag is the only witness: a transaction that failed in between answers ROLLBACK here, and no error.
    if (command !== 'COMMIT') throw new Error(`COMMIT answered ${command}`);
  }

  /** Leaves the connection clean for the next batch, or closed. */
  async abandon(): Promise<void> {
    this.failure ??= { error: new Error('abandoned') }; // what has not left yet does not leave any more
    await Promise.allSettled(this.sent.splice(0));
    if (this.committed) return;
    if (isOutage(this.failure.error)) return void this.client.end().catch(() => {}); // who would roll it back?
    const flight = new Flight(this.client);
    const rolledBack = flight.add(ROLLBACK, []);
    this.client.send(flight);
    await rolledBack.catch(() => this.client.end().catch(() => {}));
  }

  /** Puts the statement on the flight that leaves at the end of this turn. */
  private async board(statement: Statement, values: readonly unknown[]): Promise<Answered> {
    if (this.committing) throw new Error(`${statement.name} is sent behind COMMIT`);
    if (!this.flight) {
      this.flight = new Flight(this.client);
      process.nextTick(() => this.depart());
    }
    const { flight } = this;
    return this.observe(statement, () => flight.add(statement, values));
  }

  /**
   * Behind all that this turn has left to do: who fails on our side, before its statement is sent, has failed by now. The
   * server knows nothing of it, and would commit the rest.
   */
  private depart(): void {
    const flight = this.flight as Flight;
    this.flight = undefined;
    if (this.failure) flight.cancel(this.failure.error);
    else this.client.send(flight);
  }

  /** The server answers in order, so the first to fail in time is what made the others fail. */
  private watch<T>(sent: Promise<T>): Promise<T> {
    return sent.catch((error: unknown) => {
      this.failure ??= { error };
      throw error;
    });
  }
}
