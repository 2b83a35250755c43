import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import { tryExceptionsAgain } from './applied.repository.js';
import type { FactKind, Ownership } from './ownership.js';
import type { Source, SourceContent } from './source.js';

const SOURCE = `
  select s.id, s.code, s.name, s.kind, s.profile, s.signature, s.quantity_basis as "quantityBasis",
         s.freshness_seconds as "freshnessSeconds", s.rate_limit as "rateLimit", s.version,
         s.created_at as "createdAt", s.updated_at as "updatedAt", s.last_heard_at as "lastHeardAt"
    from source s`;

/** A secret as it is kept: sealed, see sealed-secret.ts. */
export interface SealedSecret {
  readonly id: string;
  readonly ciphertext: Buffer;
  /** null: the current one. */
  readonly expiresAt: Date | null;
}

/** An ownership with the code of its location; null: all of them. */
export interface NamedOwnership extends Ownership {
  readonly location: string | null;
}

@Injectable()
export class SourcesRepository {
  async find(tx: Tx, code: string): Promise<Source | undefined> {
    const [row] = await tx.query(`${SOURCE} where s.code = $1`, [code]);
    return row;
  }

  /** Up to `limit` sources behind `after` by code. */
  async list(tx: Tx, after: string, limit: number): Promise<Source[]> {
    return tx.query(`${SOURCE} where s.code > $1 order by s.code limit $2`, [after, limit]);
  }

  /** Codes by id, for conflicts and metrics. */
  async codes(tx: Tx): Promise<Map<number, string>> {
    const rows: { id: number; code: string }[] = await tx.query('select id, code from source');
    return new Map(rows.map(({ id, code }) => [id, code]));
  }

  /** Serialises the changes of one source until `tx` ends. */
  async lock(tx: Tx, code: string): Promise<Source | undefined> {
    await tx.query('select 1 from source where code = $1 for no key update', [code]);
    return this.find(tx, code);
  }

  /**
   * False if the code exists. Waits for a transaction that is just creating it. `at`: until it is heard of, its budget
   * counts from then.
   */
  async insert(tx: Tx, code: string, content: SourceContent, at: Date): Promise<boolean> {
    const rows = await tx.query(
      `insert into source (code, name, kind, profile, signature, quantity_basis, freshness_seconds, rate_limit, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       on conflict (code) do nothing
       returning id`,
      [code, ...columnsOf(content), at],
    );
    return rows.length > 0;
  }

  async update(tx: Tx, id: number, content: SourceContent): Promise<void> {
    await tx.query(
      `update source
          set name = $2, kind = $3, profile = $4, signature = $5, quantity_basis = $6, freshness_seconds = $7,
              rate_limit = $8, version = version + 1, updated_at = now()
        where id = $1`,
      [id, ...columnsOf(content)],
    );
  }

  /** Those that are good at `now`, the current one first. */
  async secrets(tx: Tx, sourceId: number, now: Date): Promise<SealedSecret[]> {
    return tx.query(
      `select id, ciphertext, expires_at as "expiresAt" from source_secret
        where source_id = $1 and (expires_at is null or expires_at > $2)
        order by expires_at desc nulls first`,
      [sourceId, now],
    );
  }

  async insertSecret(tx: Tx, sourceId: number, id: string, ciphertext: Buffer, at: Date): Promise<void> {
    await tx.query('insert into source_secret (id, source_id, ciphertext, created_at) values ($1, $2, $3, $4)', [
      id,
      sourceId,
      ciphertext,
      at,
    ]);
  }

  /** The current secret ends at `expiresAt`; whatever came before it ends now: two are good at a time. */
  async retireSecrets(tx: Tx, sourceId: number, expiresAt: Date): Promise<void> {
    await tx.query('delete from source_secret where source_id = $1 and expires_at is not null', [sourceId]);
    await tx.query('update source_secret set expires_at = $2 where source_id = $1', [sourceId, expiresAt]);
  }

  /** Serialises the changes of who owns what, over all sources, until `tx` ends. */
  async lockOwnerships(tx: Tx): Promise<void> {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('source ownership', 0))`);
  }

  /** All of them, past and future ones included. */
  async ownerships(tx: Tx): Promise<NamedOwnership[]> {
    const rows: OwnershipRow[] = await tx.query(
      `select o.source_id, o.location_id, l.code as location, o.fact,
              (extract(epoch from o.valid_from) * 1000)::float8 as valid_from,
              (extract(epoch from o.valid_until) * 1000)::float8 as valid_until
         from source_ownership o
         left join location l on l.id = o.location_id
        order by l.code nulls first, o.fact, o.valid_from`,
    );
    return rows.map((row) => ({
      sourceId: row.source_id,
      locationId: row.location_id,
      location: row.location,
      fact: row.fact,
      from: row.valid_from,
      until: row.valid_until,
    }));
  }

  async endOwnerships(tx: Tx, ownerships: readonly Ownership[]): Promise<void> {
    await tx.query(
      `update source_ownership o set valid_until = to_timestamp(e.until / 1000)
         from ${GIVEN}
        where ${SAME}`,
      columnsOfOwnerships(ownerships),
    );
  }

  async deleteOwnerships(tx: Tx, ownerships: readonly Ownership[]): Promise<void> {
    await tx.query(`delete from source_ownership o using ${GIVEN} where ${SAME}`, columnsOfOwnerships(ownerships));
  }

  /** A period that the same source once had from the very same moment, and that had ended, has no end again. */
  async insertOwnerships(tx: Tx, ownerships: readonly Ownership[]): Promise<void> {
    await tx.query(
      `insert into source_ownership (source_id, location_id, fact, valid_from)
       select source_id, location_id, fact, to_timestamp("from" / 1000)
         from ${GIVEN}
       on conflict (source_id, fact, location_id, valid_from) do update set valid_until = null`,
      columnsOfOwnerships(ownerships),
    );
  }

  /** Of sources whose `owns` another one has changed by taking over or by giving back. */
  async raiseVersions(tx: Tx, ids: readonly number[]): Promise<void> {
    await tx.query('update source set version = version + 1, updated_at = now() where id = any($1::int[])', [ids]);
  }

  /** What a source did not own is tried again when that changes: its own, and of those who have what nobody is named for. */
  async retryUnowned(tx: Tx, sourceId: number): Promise<void> {
    await tx.query(
      tryExceptionsAgain(
        `e.kind = 'not_owner'
         and (e.source_id = $1 or e.source_id in (select source_id from source_ownership where location_id is null))`,
      ),
      [sourceId],
    );
  }

  /** What could not be mapped is tried again with another profile. */
  async retryUnmapped(tx: Tx, sourceId: number): Promise<void> {
    await tx.query(tryExceptionsAgain(`e.kind = 'mapping_failed' and e.source_id = $1`), [sourceId]);
  }

  async locationIds(tx: Tx, codes: readonly string[]): Promise<Map<string, number>> {
    const rows: { code: string; id: number }[] = await tx.query(
      'select code, id from location where code = any($1::text[])',
      [codes],
    );
    return new Map(rows.map(({ code, id }) => [code, id]));
  }
}

const GIVEN =
  'unnest($1::int[], $2::int[], $3::text[], $4::float8[], $5::float8[]) as e(source_id, location_id, fact, "from", until)';
const SAME = `o.source_id = e.source_id and o.location_id is not distinct from e.location_id and o.fact = e.fact
          and o.valid_from = to_timestamp(e."from" / 1000)`;

function columnsOfOwnerships(ownerships: readonly Ownership[]): unknown[] {
  return [
    ownerships.map(({ sourceId }) => sourceId),
    ownerships.map(({ locationId }) => locationId),
    ownerships.map(({ fact }) => fact),
    ownerships.map(({ from }) => from),
    ownerships.map(({ until }) => until),
  ];
}

interface OwnershipRow {
  source_id: number;
  location_id: number | null;
  location: string | null;
  fact: FactKind;
  /** -Infinity: since ever. */
  valid_from: number;
  valid_until: number | null;
}

function columnsOf(content: SourceContent): unknown[] {
  const { name, kind, profile, signature, quantityBasis, freshnessSeconds, rateLimit } = content;
  return [name, kind, profile, signature, quantityBasis, freshnessSeconds, rateLimit];
}
