import { HELP, readOptions } from './options.js';
import { play } from './play.js';
import { run } from './program.js';

process.exitCode = await run({ name: 'demo', help: HELP, read: readOptions, play });
