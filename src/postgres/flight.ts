import type pg from 'pg';
import { bindMessage } from './bind-message.js';
import type { Statement } from './combined.js';
import type { EngineClient, Prepared } from './connections.js';
import { inBestForm } from './few.js';

export interface Answered {
  readonly rows: unknown[];
  /** `COMMIT`, `INSERT 0 3` … */
  readonly command: string;
}

interface Passenger {
  readonly statement: Statement;
  readonly bind: Buffer;
  /** Prepared on its way. */
  readonly first: boolean;
  readonly rows: unknown[];
  readonly answer: (answered: Answered) => void;
  readonly refuse: (error: unknown) => void;
}

/**
 * Statements that travel together: one write, one Sync behind the last, one read of all that they answer. The server
 * passes over what stands behind a failure, COMMIT too. pg's own pipeline ends each statement by a Sync: the server then
 * sends each answer on its own and wakes us for it, eight times a batch, and describes rows that we know.
 *
 * What pg calls a Submittable. One at a time a connection: pg sends the next when this one is answered.
 */
export class Flight implements pg.Submittable {
  private readonly passengers: Passenger[] = [];
  private landed = 0;

  constructor(private readonly client: EngineClient) {}

  /** Throws what cannot be written as a parameter. */
  add(sent: Statement, values: readonly unknown[]): Promise<Answered> {
    const statement = inBestForm(sent, values);
    const bind = bindMessage(statement, values);
    const { name, text } = statement;
    const known = this.client.prepared.get(name);
    if (known && known.text !== text) throw new Error(`Two statements are named ${name}`);
    if (!known) this.client.prepared.set(name, { text, read: () => ({}) });
    return new Promise((answer, refuse) => {
      this.passengers.push({ statement, bind, first: !known, rows: [], answer, refuse });
    });
  }

  /** All that are not answered yet fail for this reason. What they were to prepare is not prepared. */
  cancel(error: unknown): void {
    for (const { statement, first, refuse } of this.passengers.slice(this.landed)) {
      if (first) this.client.prepared.delete(statement.name);
      refuse(error);
    }
    this.landed = this.passengers.length;
  }

  submit(connection: pg.Connection): void {
    const { stream } = connection;
    stream.cork();
    for (const { statement, bind, first } of this.passengers) {
      if (first) {
        const { name, text } = statement;
        // It may be there, if the flight that prepared it failed. To close what is not there is no error.
        connection.close({ type: 'S', name }, true);
        connection.parse({ name, text, types: [] }, true);
        connection.describe({ type: 'S', name }, true);
      }
      stream.write(bind);
    }
    connection.sync();
    stream.uncork();
  }

  handleRowDescription({ fields }: { fields: readonly { name: string; dataTypeID: number }[] }): void {
    const { statement } = this.passengers[this.landed] as Passenger;
    const readers = fields.map(({ name, dataTypeID }) => ({ name, read: this.client.getTypeParser(dataTypeID) }));
    const empty = Object.fromEntries(fields.map(({ name }) => [name, null]));
    const read: Prepared['read'] = (values) => {
      const row: Record<string, unknown> = { ...empty }; // a copy has its shape from the start
      for (let i = 0; i < readers.length; i += 1) {
        const value = values[i];
        const { name, read } = readers[i] as (typeof readers)[number];
        if (value !== null && value !== undefined) row[name] = read(value);
      }
      return row;
    };
    this.client.prepared.set(statement.name, { text: statement.text, read });
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    const { statement, rows } = this.passengers[this.landed] as Passenger;
    rows.push((this.client.prepared.get(statement.name) as Prepared).read(fields));
  }

  handleCommandComplete({ text }: { text: string }): void {
    const { rows, answer } = this.passengers[this.landed] as Passenger;
    this.landed += 1;
    answer({ rows, command: text });
  }

  handleError(error: unknown): void {
    this.cancel(error);
    this.client.answered(this);
  }

  handleReadyForQuery(): void {
    this.client.answered(this);
  }
}
