import type pg from 'pg';
import { columns } from './columns.js';
import type { Statement } from './combined.js';

/**
 * A transaction whose statements are sent without waiting for answers. In a pipeline a failed statement does not stop
 * those behind it from being answered, COMMIT included: it then answers ROLLBACK, without an error.
 */
export class Pipeline {
  private readonly sent: Promise<unknown>[] = [];
  private failure: { error: unknown } | undefined;
  private committing = false;
  private corked = false;

  constructor(private readonly client: pg.Client) {}

  /** Whether COMMIT was sent: a connection that breaks after that leaves open whether it was done. */
  get mayBeCommitted(): boolean {
    return this.committing;
  }

  /** Sends a statement, prepared under its name at the first use. */
  readonly send = async <Row = never>(statement: Statement, values: readonly unknown[]): Promise<Row[]> => {
    this.cork();
    const result = await this.watch(this.client.query({ ...statement, values: columns(statement, values) }));
    return result.rows;
  };

  begin(): void {
    this.cork();
    this.track(this.client.query('begin'));
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

  async commit(): Promise<void> {
    // Who fails on our side, before its statement is sent, has failed by the next turn of the event loop. The server
    // knows nothing of it, and would commit the rest.
    await new Promise((resolve) => setImmediate(resolve));
    if (this.failure) throw this.failure.error;
    this.committing = true;
    const committed = this.watch(this.client.query('commit'));
    await this.all([committed]);
    const { command } = await committed;
    // The tag is the only witness: a transaction that failed in between answers ROLLBACK here, and no error.
    if (command !== 'COMMIT') throw new Error(`COMMIT answered ${command}`);
  }

  /**
   * What is sent in one turn of the event loop leaves in one write to the socket. Statement by statement it is a dozen
   * system calls a batch here, and as many wake-ups of the server.
   */
  private cork(): void {
    if (this.corked) return;
    this.corked = true;
    const { stream } = this.client.connection;
    stream.cork();
    process.nextTick(() => {
      this.corked = false;
      stream.uncork();
    });
  }

  /** Leaves the connection clean for the next batch, or closed. */
  async abandon(): Promise<void> {
    await Promise.allSettled(this.sent.splice(0));
    if (this.committing) return; // COMMIT has ended the transaction one way or the other
    await this.client.query('rollback').catch(() => this.client.end().catch(() => {}));
  }

  /** The server answers in order, so the first to fail in time is what made the others fail ("… is aborted"). */
  private watch<T>(sent: Promise<T>): Promise<T> {
    return sent.catch((error: unknown) => {
      this.failure ??= { error };
      throw error;
    });
  }
}
