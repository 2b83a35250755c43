import { readdir, readFile } from 'node:fs/promises';

/** The unit of times in /proc. Linux has shown 100 a second to programs on every architecture Node runs on. */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  /** Microseconds in user and kernel mode, all threads. */
  readonly own: number;
  /** The same of children that have ended and were waited for. */
  readonly children: number;
}

/** What a process has used so far, by the name that the record gives it. */
export type Meters = Readonly<Record<string, () => Promise<number>>>;

/** Does the work, and tells how much CPU time each process used meanwhile, in microseconds. */
export async function metered<Result>(
  meters: Meters,
  work: () => Promise<Result>,
): Promise<{ result: Result; cpu: Record<string, number> }> {
  const read = () => Promise.all(Object.values(meters).map((meter) => meter()));
  const before = await read();
  const result = await work();
  const after = await read();
  const cpu = Object.keys(meters).map((name, index) => [name, (after[index] ?? 0) - (before[index] ?? 0)]);
  return { result, cpu: Object.fromEntries(cpu) };
}

/** CPU time that the process has used so far, in microseconds. */
export async function cpuOf(pid: number): Promise<number> {
  return (await readStat(pid)).own;
}

/** CPU time of all children of this process that have ended so far, in microseconds. */
export async function cpuOfEndedChildren(): Promise<number> {
  return (await readStat(process.pid)).children;
}

/** CPU time of a process and all its children, those included that have ended: a PostgreSQL with its backends. */
export async function cpuOfFamily(pid: number): Promise<number> {
  const ids = (await readdir('/proc')).map(Number).filter((id) => id > 0);
  const stats = await Promise.all(ids.map((id) => readStat(id).catch(() => undefined)));
  const head = await readStat(pid);
  return stats.reduce((sum, stat) => sum + (stat?.parent === pid ? stat.own : 0), head.own + head.children);
}

async function readStat(pid: number): Promise<Stat> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The program's name is in parentheses and may hold anything; the numbers stand behind the last one.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const micros = (first: number) =>
    ((Number(fields[first]) + Number(fields[first + 1])) / TICKS_PER_SECOND) * 1_000_000;
  return { parent: Number(fields[1]), own: micros(11), children: micros(13) };
}
