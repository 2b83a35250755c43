import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import { missingMigrations } from '../postgres/migrate.js';
import type { DatabaseFacts } from './readiness.js';

/** What the database says about itself, as the role the service runs as. */
@Injectable()
export class ReadinessRepository {
  async readFacts(tx: Tx): Promise<DatabaseFacts> {
    const [row] = await tx.query(
      `select pg_is_in_recovery() or current_setting('transaction_read_only')::boolean as read_only,
              current_setting('fsync') as fsync,
              current_setting('full_page_writes') as full_page_writes,
              current_setting('synchronous_commit') as synchronous_commit,
              current_user as role,
              (select coalesce(bool_or(has_table_privilege(to_regclass(name), 'update, delete, truncate')), false)
                 from unnest(array['movement', 'audit_entry']) as name) as rewrites_ledger,
              (extract(epoch from clock_timestamp()) * 1000)::float8 as clock`,
    );
    const { fsync, full_page_writes, synchronous_commit } = row;
    return {
      readOnly: row.read_only,
      durability: { fsync, full_page_writes, synchronous_commit },
      role: row.role,
      rewritesLedger: row.rewrites_ledger,
      clock: row.clock,
    };
  }

  /** Names of the migrations this release needs and the database has not had. */
  missingMigrations(tx: Tx): Promise<readonly string[]> {
    return missingMigrations(tx);
  }
}
