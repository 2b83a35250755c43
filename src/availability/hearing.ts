/** Milliseconds of silence after which nothing is believed that was only heard. Heartbeats come every 250. */
export const SILENCE_MS = 750;
/** Milliseconds after which a process that says nothing is taken for gone. */
const GONE_MS = 60_000;

/**
 * Whether all is heard that other processes say. Each counts what it says; a number that was left out, or a process
 * that begins in the middle, means that something was missed. Times are of a clock that never goes back.
 */
export class Hearing {
  private heardAt = Number.NEGATIVE_INFINITY;
  private readonly processes = new Map<string, { count: number; at: number }>();

  /**
   * False: something between was missed, and what was kept until now may be old. So it may after silence: who could not be
   * heard did not count what it had to say, and what this process commits itself is not kept while it is deaf.
   */
  hear(process: string, count: number, at: number): boolean {
    const wasDeaf = this.isDeaf(at);
    this.heardAt = at;
    const before = this.processes.get(process)?.count ?? 0;
    this.processes.delete(process);
    this.processes.set(process, { count: Math.max(count, before), at });
    for (const [name, { at: last }] of this.processes) {
      if (at - last < GONE_MS) break; // the one silent for longest stands first
      this.processes.delete(name);
    }
    return !wasDeaf && count <= before + 1;
  }

  /** Nothing was said for too long, or the connection is gone: there is always a heartbeat, our own. */
  isDeaf(at: number): boolean {
    return at - this.heardAt > SILENCE_MS;
  }

  /** The connection has ended: it is not known what was said since. */
  lose(): void {
    this.heardAt = Number.NEGATIVE_INFINITY;
    this.processes.clear();
  }
}
