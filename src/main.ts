import { banner } from './banner.js';
import { readConfig } from './config.js';
import { Service } from './lifecycle.js';
import { errorForLog } from './log.js';
import { flushSpans } from './operations/spans.tracer.js';

/**
 * Ctrl-C under `npm start` reaches us twice: from the terminal, and once more through npm. Only a signal that comes
 * later than this after the first is a second one, in milliseconds.
 */
const SAME_SIGNAL_MS = 500;
const HURRIED = 130;

let service: Promise<Service>;
let stoppingSince: number | undefined;
let exitCode = 0;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
// What nobody caught leaves us in a state nobody thought of: end, but not without the bundled database.
process.on('uncaughtException', (error) => {
  console.error(errorForLog(error));
  void stop(1);
});

try {
  service = Service.start(readConfig());
  console.log(banner((await service).welcome));
} catch (error) {
  console.error(`Holdfast did not start. ${(error as Error).message}`);
  process.exit(1);
}

async function stop(code: number): Promise<void> {
  exitCode ||= code;
  if (stoppingSince !== undefined) {
    if (Date.now() - stoppingSince < SAME_SIGNAL_MS) return;
    exitCode ||= HURRIED;
    (await service).hurry();
    return;
  }
  stoppingSince = Date.now();
  console.log('Holdfast is stopping: it finishes what it has accepted. Ctrl-C again does not wait for that.');
  try {
    await (await service).stop();
  } catch (error) {
    console.error(errorForLog(error));
    exitCode ||= 1;
  }
  await flushSpans();
  process.exit(exitCode);
}
