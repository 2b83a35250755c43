/**
 * The connection or the server is of no more use: gone, out of memory or disk, read-only after a failover, or with
 * statements that were prepared for a schema that has changed since.
 */
const OUTAGE_CODE = /^(08|53|57P|25006|25P03|25P04|0A000|26000|ECONN|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOST|ENET)/;
/** The same, where pg gives no code; the last is how TypeORM says that a connection ended within a transaction. */
const OUTAGE_MESSAGE =
  /^(Connection terminated|Client .*not queryable|Query read timeout|timeout (expired|exceeded))|was already released|^Query runner already released/;
/** Deadlock, serialisation failure, lock or statement timeout. */
const CONFLICT_CODE = /^(40001|40P01|55P03|57014)$/;

/** Whether the same may work on a new connection, now or later; of a COMMIT, whether its outcome is unknown. */
export function isOutage(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return OUTAGE_CODE.test(String(code ?? '')) || OUTAGE_MESSAGE.test(String(message ?? ''));
}

/** Whether the transaction only got in the way of another: worth a try as it stands, on the same connection. */
export function isConflict(error: unknown): boolean {
  return CONFLICT_CODE.test(String((error as { code?: unknown } | null)?.code ?? ''));
}
