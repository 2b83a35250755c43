/** What a check found. `warn` is worth a look, but does not take the process out of service. */
export interface Finding {
  readonly status: 'pass' | 'warn' | 'fail';
  /** What was found and, unless all is well, what to do about it. */
  readonly detail: string;
}

/** What the database says about itself. */
export interface DatabaseFacts {
  /** A standby, or a session that may only read. */
  readonly readOnly: boolean;
  /** The settings that make an acknowledged commit survive, by name: `on`, `off`, … */
  readonly durability: Readonly<Record<string, string>>;
  readonly role: string;
  /** Whether the role may update, delete or truncate movements. */
  readonly rewritesLedger: boolean;
  /** Its clock, in milliseconds since 1970. */
  readonly clock: number;
}

/** A clock that is further off than this lets holds expire visibly early or late, in milliseconds. */
const MOST_SKEW_MS = 1_000;

/**
 * Judges what the database said. `before` and `after` are our own clock around the question: the answer was given at
 * some moment between the two, so only what lies outside of them is skew for certain.
 */
export function judgeDatabase(facts: DatabaseFacts, before: number, after: number): Record<string, Finding> {
  const off = Object.entries(facts.durability)
    .filter(([, value]) => value === 'off')
    .map(([name]) => name);
  const skew = Math.round(Math.max(facts.clock - after, before - facts.clock, 0));
  return {
    postgres: facts.readOnly
      ? fail('PostgreSQL only reads here, as a standby does. Point DATABASE_URL at the primary.')
      : pass('PostgreSQL answers.'),
    durability:
      off.length > 0
        ? fail(`${off.join(', ')} off: an acknowledged reservation could be lost. Turn on in postgresql.conf.`)
        : pass('fsync, full_page_writes and synchronous_commit are on.'),
    ledger: facts.rewritesLedger
      ? fail(
          `Role ${facts.role} may change movements or the audit trail. Connect so that "set role holdfast_app" takes effect.`,
        )
      : pass(`Role ${facts.role} may add movements and entries of the audit trail, and change none.`),
    clock:
      skew >= MOST_SKEW_MS
        ? fail(`Our clock and the database's differ by ${skew} ms. Set both by NTP; the bound is ${MOST_SKEW_MS} ms.`)
        : pass(`Our clock and the database's agree within ${MOST_SKEW_MS} ms.`),
  };
}

/** The worst of what was found. */
export function overall(findings: readonly Finding[]): Finding['status'] {
  if (findings.some(({ status }) => status === 'fail')) return 'fail';
  return findings.some(({ status }) => status === 'warn') ? 'warn' : 'pass';
}

export function pass(detail: string): Finding {
  return { status: 'pass', detail };
}

export function warn(detail: string): Finding {
  return { status: 'warn', detail };
}

export function fail(detail: string): Finding {
  return { status: 'fail', detail };
}
