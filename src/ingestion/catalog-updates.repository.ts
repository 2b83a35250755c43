import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';
import type { Moment } from './absolute-figure.js';
import { textOf } from './applying.repository.js';

export type CatalogKind = 'item' | 'location';

/** How new what each source has said of an item or a location is. */
@Injectable()
export class CatalogUpdatesRepository {
  /** By code. */
  async moments(tx: Tx, sourceId: number, kind: CatalogKind, codes: readonly string[]): Promise<Map<string, Moment>> {
    const rows: { code: string; at: number; sequence: string | null }[] = await tx.query(
      `select code, extract(epoch from as_of)::float8 * 1000 as at, as_of_sequence::text as sequence
         from feed_catalog where source_id = $1 and kind = $2 and code = any($3)`,
      [sourceId, kind, codes],
    );
    return new Map(
      rows.map(({ code, at, sequence }) => [code, { at, sequence: sequence === null ? null : BigInt(sequence) }]),
    );
  }

  async keep(tx: Tx, sourceId: number, kind: CatalogKind, moments: ReadonlyMap<string, Moment>): Promise<void> {
    if (moments.size === 0) return;
    await tx.query(
      `insert into feed_catalog (source_id, kind, code, as_of, as_of_sequence)
       select $1, $2, code, to_timestamp(at / 1000), sequence
         from unnest($3::text[], $4::float8[], $5::numeric[]) as m(code, at, sequence)
       on conflict (source_id, kind, code) do update
          set as_of = excluded.as_of, as_of_sequence = excluded.as_of_sequence`,
      [
        sourceId,
        kind,
        [...moments.keys()],
        [...moments.values()].map(({ at }) => at),
        [...moments.values()].map((moment) => textOf(moment)),
      ],
    );
  }
}
