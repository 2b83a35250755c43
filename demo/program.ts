import { randomBytes } from 'node:crypto';
import { Client } from './client.js';
import { OwnService } from './own-service.js';

const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;

/** Ctrl-C. */
class Interruption extends Error {}

interface Place {
  /** A running service and a key with the scope admin; undefined: one is started. */
  readonly service: { readonly url: string; readonly key: string } | undefined;
  /** Where a service of its own keeps its data. */
  readonly directory: string;
}

/** Something that plays on a service: the demo, the simulator. */
export interface Program<Options extends Place> {
  /** As in "The demo failed". */
  readonly name: string;
  readonly help: string;
  /** What the command line asks for; undefined: the help. Throws an Error that says what is wrong. */
  read(args: readonly string[], env: Record<string, string | undefined>): Options | undefined;
  /** Answers whether everything held. */
  play(client: Client, options: Options, say: (text: string) => void): Promise<boolean>;
}

/** Runs it on the service that is meant, or on one of its own, and answers the exit code. */
export async function run<Options extends Place>(program: Program<Options>): Promise<number> {
  const stopped = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stopped.abort(new Interruption('Interrupted.')));
  }
  // `npm run demo | head` closes our output: nobody reads on, so we end as if interrupted.
  process.stdout.on('error', () => stopped.abort(new Interruption('Nobody reads the output.')));

  let options: Options | undefined;
  try {
    options = program.read(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${program.help}`);
    return MISUSED;
  }
  if (!options) {
    console.log(program.help);
    return 0;
  }
  let own: OwnService | undefined;
  try {
    const since = performance.now();
    if (!options.service) {
      console.log(`Starting a service of the ${program.name}'s own, with its data in ${options.directory} …`);
      const died = (error: Error) => stopped.abort(error);
      own = await OwnService.start(options.directory, { interrupted: stopped.signal, died });
    }
    const { url, key } = own ?? (options.service as { url: string; key: string });
    console.log(
      `Playing on ${url}${own ? ` (started in ${((performance.now() - since) / 1_000).toFixed(1)} s)` : ''}.`,
    );
    const client = new Client(url, key, newRun(), stopped.signal);
    return (await program.play(client, options, (text) => console.log(text))) ? 0 : FAILED;
  } catch (error) {
    // What ended us says more than the requests that broke because of it.
    const reason = stopped.signal.aborted ? (stopped.signal.reason as Error) : (error as Error);
    const interrupted = reason instanceof Interruption;
    console.error(`\n${interrupted ? reason.message : `The ${program.name} failed. ${reason.message}`}`);
    return interrupted ? INTERRUPTED : FAILED;
  } finally {
    stopped.abort(new Interruption(`The ${program.name} is over.`));
    await own?.stop();
    if (own) console.log(`\nTo look around in what it left: ${lookAround(options, own.key)}`);
  }
}

/** Sets this run's references apart from those of the runs before it: its minute, and a little chance. */
function newRun(): string {
  return `${Math.floor(Date.now() / 60_000).toString(36)}${randomBytes(2).toString('hex')}`;
}

function lookAround({ directory }: Place, key: string): string {
  return `DATA_DIR=${directory} ADMIN_API_KEY=${key} npm start`;
}
