/** Calls of one operation by one client on one day. `client`: empty, nobody that we know. */
export interface Use {
  readonly operation: string;
  readonly client: string;
  readonly calls: number;
  readonly lastAt: Date;
}

export interface User {
  /** null: whoever called it without a key. */
  readonly client: string | null;
  readonly calls: number;
  readonly lastAt: Date;
}

/** Who still calls an operation, whoever called it last first: those are to be talked to before it goes. */
export function usersOf(operation: string, uses: readonly Use[]): User[] {
  const byClient = new Map<string, User>();
  for (const { client, calls, lastAt } of uses.filter((use) => use.operation === operation)) {
    const before = byClient.get(client);
    const last = before && before.lastAt > lastAt ? before.lastAt : lastAt;
    byClient.set(client, { client: client || null, calls: calls + (before?.calls ?? 0), lastAt: last });
  }
  return [...byClient.values()].sort((one, other) => other.lastAt.getTime() - one.lastAt.getTime());
}
