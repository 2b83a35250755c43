import { randomBytes } from 'node:crypto';
import { Client } from './client.js';
import { HELP, type Options, readOptions } from './options.js';
import { OwnService } from './own-service.js';
import { play } from './play.js';

const FAILED = 1;
const MISUSED = 2;
const INTERRUPTED = 130;

/** Ctrl-C. */
class Interruption extends Error {}

const stopped = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stopped.abort(new Interruption('Interrupted.')));
}
// `npm run demo | head` closes our output: nobody reads on, so we end as if interrupted.
process.stdout.on('error', () => stopped.abort(new Interruption('Nobody reads the output.')));

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options | undefined;
  try {
    options = readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${HELP}`);
    return MISUSED;
  }
  if (!options) {
    console.log(HELP);
    return 0;
  }
  let own: OwnService | undefined;
  try {
    const since = performance.now();
    if (!options.service) {
      console.log(`Starting a service of the demo's own, with its data in ${options.directory} …`);
      const died = (error: Error) => stopped.abort(error);
      own = await OwnService.start(options.directory, { interrupted: stopped.signal, died });
    }
    const { url, key } = own ?? (options.service as { url: string; key: string });
    console.log(
      `Playing on ${url}${own ? ` (started in ${((performance.now() - since) / 1_000).toFixed(1)} s)` : ''}.`,
    );
    const client = new Client(url, key, newRun(), stopped.signal);
    return (await play(client, options, say)) ? 0 : FAILED;
  } catch (error) {
    // What ended us says more than the requests that broke because of it.
    const reason = stopped.signal.aborted ? (stopped.signal.reason as Error) : (error as Error);
    console.error(`\n${reason instanceof Interruption ? reason.message : `The demo failed. ${reason.message}`}`);
    return reason instanceof Interruption ? INTERRUPTED : FAILED;
  } finally {
    stopped.abort(new Interruption('The demo is over.'));
    await own?.stop();
    if (own) console.log(`\nTo look around in what it left: ${lookAround(options, own.key)}`);
  }
}

function say(text: string): void {
  console.log(text);
}

/** Sets this run's references apart from those of the runs before it: its minute, and a little chance. */
function newRun(): string {
  return `${Math.floor(Date.now() / 60_000).toString(36)}${randomBytes(2).toString('hex')}`;
}

function lookAround({ directory }: Options, key: string): string {
  return `DATA_DIR=${directory} ADMIN_API_KEY=${key} npm start`;
}
