const { relative } = require('node:path');
const { default: Sequencer } = require('@jest/test-sequencer');

/** Seconds of the files that take the longest, mostly waiting for processes that they start. */
const LONG = {
  'operations/start-and-stop': 32,
  'engine/crash': 29,
  'demo/demo': 28,
  'imports/volume': 25,
  'contract/fuzz': 24,
  'contract/changes': 23,
  'engine/outage': 22,
  'contract/docs-browser': 21,
  'contract/client': 19,
  'imports/worker': 19,
  'operations/image': 17,
  'access/revocation': 16,
  'engine/copy': 16,
  'ingestion/applying-crash': 16,
  'ingestion/superstore': 16,
  'engine/contention': 15,
  'engine/cache': 12,
};

/**
 * Long files first, also in a fresh clone, where Jest has not seen yet how long they take: one that began last would run
 * alone while the other worker has nothing to do.
 */
module.exports = class extends Sequencer {
  time(test) {
    const { rootDir } = test.context.config;
    const name = relative(`${rootDir}/test`, test.path).replace(/\.spec\.ts$/, '');
    return super.time(test) ?? 1000 * (LONG[name] ?? 0);
  }
};
