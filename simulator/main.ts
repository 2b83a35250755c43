import { readDataset } from '../demo/dataset.js';
import { run } from '../demo/program.js';
import { HELP, type Options, readOptions } from './options.js';
import { simulate } from './simulate.js';

process.exitCode = await run<Options>({
  name: 'simulator',
  help: HELP,
  read: readOptions,
  play: async (client, options, say) => simulate(client, await readDataset(), options, say),
});
