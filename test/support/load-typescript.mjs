// `node --import ./test/support/load-typescript.mjs file.ts` runs TypeScript without a build, decorators included.
// Jest has its own transform for the tests; this one is for what runs outside of it: its global set-up, and the
// processes that a test starts in order to kill them.
import { register } from 'node:module';

register('./typescript-hooks.mjs', import.meta.url);
