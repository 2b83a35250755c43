import { Injectable } from '@nestjs/common';
import type { Tx } from '../postgres/connections.js';

@Injectable()
export class GovernanceRepository {
  /** How many exceptions are open, and since when the oldest is, in milliseconds since 1970. */
  async openExceptions(tx: Tx): Promise<{ open: number; since: number | null }> {
    const [row] = await tx.query(
      `select count(*)::int as open, (extract(epoch from min(created_at)) * 1000)::float8 as since
         from exception where status = 'open'`,
    );
    return row;
  }
}
