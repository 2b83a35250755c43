/**
 * How Jest loads a test file: what is ours is evaluated anew for each file, what comes from node_modules once a worker,
 * and all of it in Node's own realm. Jest's own way evaluates both for each file, in a `vm` context whose every global
 * is looked up through an interceptor: twelve files that start the service took 46 s of CPU in that way, and 36 in this.
 *
 * Nothing here can be mocked: no test of ours does.
 */
const { existsSync } = require('node:fs');
const { dirname, resolve } = require('node:path');
const { pathToFileURL } = require('node:url');
const { SourceTextModule, SyntheticModule } = require('node:vm');
const { default: Runtime } = require('jest-runtime');

/** What is asked of the transform: leave `import` and `export` as they are. */
const AS_MODULE = {
  supportsDynamicImport: true,
  supportsExportNamespaceFrom: true,
  supportsStaticESM: true,
  supportsTopLevelAwait: true,
};

/** What all files of this worker share, by specifier: promises of modules. */
const shared = new Map();

module.exports = class extends Runtime {
  /** What this file has of ours, by path. */
  #ours = new Map();

  unstable_importModule(path) {
    return evaluate(this.#ourModule(path), this.#link);
  }

  requireModule(_from, name) {
    return require(name);
  }

  /** Jest's describe and it, which keep their tests in variables: hence anew for each file. */
  requireInternalModule(path) {
    delete require.cache[path];
    const circus = require(path);
    module.children.length = 0;
    return circus;
  }

  teardown() {
    this.#ours.clear();
    super.teardown();
  }

  #ourModule(path) {
    const known = this.#ours.get(path);
    if (known !== undefined) return known;
    const module = new SourceTextModule(this.transformCache.transform(path, AS_MODULE), {
      identifier: path,
      initializeImportMeta: (meta) => {
        meta.url = pathToFileURL(path).href;
      },
      importModuleDynamically: async (specifier) => evaluate(await this.#find(specifier, path), this.#link),
    });
    this.#ours.set(path, module);
    return module;
  }

  #link = (specifier, { identifier }) => this.#find(specifier, identifier);

  #find(specifier, from) {
    if (!specifier.startsWith('.')) return sharedModule(this.#mapped(specifier));
    const path = resolve(dirname(from), specifier);
    const source = path.replace(/\.js$/, '.ts');
    return source.endsWith('.ts') && existsSync(source) ? this.#ourModule(source) : sharedModule(path);
  }

  #mapped(name) {
    return this._config.moduleNameMapper.find(([pattern]) => new RegExp(pattern).test(name))?.[1] ?? name;
  }
};

function sharedModule(specifier) {
  if (!shared.has(specifier)) shared.set(specifier, load(specifier));
  return shared.get(specifier);
}

async function load(specifier) {
  const exported = await import(specifier.startsWith('/') ? pathToFileURL(specifier).href : specifier);
  const names = Object.keys(exported);
  const module = new SyntheticModule(names, function () {
    for (const name of names) this.setExport(name, exported[name]);
  });
  return evaluate(module, () => {});
}

async function evaluate(module, link) {
  if (module.status === 'unlinked') await module.link(link);
  await module.evaluate();
  return module;
}
