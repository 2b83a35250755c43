import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import type { ContractDocument } from './contract-document.js';

/** Style and scripts of the pages; scalar-<version>.js.br is what .ci/take-scalar.mjs took out of its package. */
const SITE = new URL('../../docs/site/', import.meta.url);
/** Written by `npm run openapi:write` and checked to be true, so it is served as it was reviewed. */
const DOCUMENT = new URL('../../openapi/v1.json', import.meta.url);
const ASYNC_DOCUMENT = new URL('../../openapi/asyncapi.json', import.meta.url);
const EVENT_SCHEMAS = new URL('../../openapi/events/', import.meta.url);

export interface SiteFile {
  readonly type: string;
  /** Its name changes with its content. */
  readonly immutable: boolean;
  readonly content: Buffer;
  /** The same compressed by Brotli, where it is large. */
  readonly compressed?: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
};
const SMALL = ['page.css', 'page.js', 'reference.js', 'icon.svg'];

let files: Promise<ReadonlyMap<string, SiteFile>> | undefined;
let scalar: Promise<string> | undefined;
let document: Promise<string> | undefined;
let parsed: Promise<ContractDocument> | undefined;
let asyncDocument: Promise<Buffer> | undefined;
let eventSchemas: Promise<ReadonlyMap<string, Buffer>> | undefined;

/** The files of the pages by name, read at the first request and kept. */
export function readSite(): Promise<ReadonlyMap<string, SiteFile>> {
  files ??= (async () => {
    const small = SMALL.map(async (name) => {
      const type = TYPES[name.split('.').at(-1) as string] as string;
      return [name, { type, immutable: false, content: await readFile(new URL(name, SITE)) }] as const;
    });
    const name = await nameOfScalar();
    const compressed = await readFile(new URL(`${name}.br`, SITE));
    const content = await promisify(brotliDecompress)(compressed);
    const large = [name, { type: TYPES.js as string, immutable: true, content, compressed }] as const;
    return new Map<string, SiteFile>([...(await Promise.all(small)), large]);
  })();
  return files;
}

/** `scalar-1.46.4.js`. */
export function nameOfScalar(): Promise<string> {
  scalar ??= readFile(new URL('scalar.json', SITE), 'utf8').then((text) => `scalar-${JSON.parse(text).version}.js`);
  return scalar;
}

/** The contract as it was reviewed. */
export function readContract(): Promise<string> {
  document ??= readFile(DOCUMENT, 'utf8');
  return document;
}

/** The same to look things up in. */
export function parseContract(): Promise<ContractDocument> {
  parsed ??= readContract().then((text) => JSON.parse(text));
  return parsed;
}

/** What sources send, as AsyncAPI. */
export function readAsyncContract(): Promise<Buffer> {
  asyncDocument ??= readFile(ASYNC_DOCUMENT);
  return asyncDocument;
}

/** The schemas of events by the names of their files, such as `stock.received.v1.json`. */
export function readEventSchemas(): Promise<ReadonlyMap<string, Buffer>> {
  eventSchemas ??= (async () => {
    const names = await readdir(EVENT_SCHEMAS);
    return new Map(
      await Promise.all(names.map(async (name) => [name, await readFile(new URL(name, EVENT_SCHEMAS))] as const)),
    );
  })();
  return eventSchemas;
}
