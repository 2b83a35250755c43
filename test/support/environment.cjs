const { defaultMetadataStorage } = require('class-transformer/cjs/storage.js');
const { ModuleMocker } = require('jest-mock');
const { register } = require('prom-client');

/**
 * Where test files run: in Node's own realm, one after the other (runtime.cjs). What a file leaves behind in places that
 * the next one would look into is taken away here: its tests, its metrics, and what its classes said of their fields.
 */
module.exports = class {
  global = globalThis;
  moduleMocker = new ModuleMocker(globalThis);
  #console = globalThis.console;
  #exit = process.exit;

  async setup() {}

  async teardown() {
    // Jest puts its own in their place for each file.
    globalThis.console = this.#console;
    process.exit = this.#exit;
    for (const key of Object.getOwnPropertySymbols(globalThis)) {
      if (/^(JEST_STATE_SYMBOL|EVENT_HANDLERS)$/.test(key.description)) delete globalThis[key];
    }
    register.clear();
    defaultMetadataStorage.clear();
    delete globalThis.classValidatorMetadataStorage;
    delete globalThis.typeormMetadataArgsStorage;
  }

  getVmContext() {
    return null;
  }
};
