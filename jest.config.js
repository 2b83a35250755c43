import { typescript } from './test/support/typescript.mjs';

/** @type {import('jest').Config} */
export default {
  roots: ['<rootDir>/src', '<rootDir>/test', '<rootDir>/bench'],
  testMatch: ['**/*.spec.ts'],
  // Dependencies are evaluated once a worker, and not once a file.
  runtime: '<rootDir>/test/support/runtime.cjs',
  testEnvironment: '<rootDir>/test/support/environment.cjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': ['@swc/jest', typescript] },
  // Sources import each other by the name of the compiled file, `./x.js`.
  moduleNameMapper: {
    '^(\\.{1,2}/.*)\\.js$': '$1',
    // Every line of the log is looked through for secrets.
    '^pino$': '<rootDir>/test/support/pino.cjs',
  },
  globalSetup: '<rootDir>/test/support/start-servers.mjs',
  globalTeardown: '<rootDir>/test/support/stop-servers.mjs',
  testSequencer: '<rootDir>/test/support/sequencer.cjs',
  // Each worker keeps a core busy together with its share of the database.
  maxWorkers: 2,
  // A worker keeps the modules of every file it ran: past 1.5 GB it mostly collects garbage, so it is replaced before.
  workerIdleMemoryLimit: '800MB',
  // Far beyond what any test takes on a quiet machine: a busy one is no failure.
  testTimeout: 90_000,
};
