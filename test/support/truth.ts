import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { OpenApiDocument, Operation, Response } from '../../src/openapi-document.js';
import { lookThroughAnswer } from './leaks.js';

/**
 * Every answer that a test application gives is held to the committed document: its status, headers, media type, body,
 * and the code of a problem. Whoever asked and whatever the test looks at: a route, status, header or field that the
 * document does not name is a fault of the test in whose course it came up.
 *
 * A checked answer costs about 10 µs, and an operation's first one a few milliseconds to compile its schema.
 */
export interface Answered {
  readonly method: string;
  /** Path and query as they were sent. */
  readonly url: string;
  readonly status: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** Of HTTP itself and of the browser's defences: the document does not repeat them with every answer. */
const PLAIN_HEADERS =
  /^(content-(type|length|encoding|disposition|security-policy)|date|connection|keep-alive|transfer-encoding|vary|cache-control|server|allow|access-control-.*|cross-origin-.*|x-(content-type-options|frame-options|dns-prefetch-control|download-options|permitted-cross-domain-policies|xss-protection)|referrer-policy|origin-agent-cluster|strict-transport-security|permissions-policy)$/;
/** Pages and files for people. */
const PAGES = /^\/docs(\/|$)/;

/** Refused before there is a route (src/protection.ts): said once, in the description of the document. */
const AT_THE_DOOR = /"code":"(malformed_request|request_timeout|url_too_long|headers_too_large)"/;

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

interface Route {
  readonly template: string;
  readonly pattern: RegExp;
  readonly parameters: number;
  readonly operations: Readonly<Record<string, Operation>>;
}

export class Truth {
  private readonly routes: readonly Route[];
  private readonly headers: Readonly<Record<string, Header>>;
  private readonly ajv = new Ajv2020({
    strict: false,
    formats: { 'date-time': INSTANT, 'uri-reference': true, date: /^\d{4}-\d\d-\d\d$/, uri: true },
  });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(document: OpenApiDocument) {
    this.ajv.addSchema({ $id: 'contract', components: { schemas: closed(document.components.schemas) } });
    this.headers = (document.components as { headers?: Record<string, Header> }).headers ?? {};
    this.routes = Object.entries(document.paths)
      .map(([template, operations]) => ({
        template,
        pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
        parameters: template.split('{').length - 1,
        operations: operations as Readonly<Record<string, Operation>>,
      }))
      // What is written out counts before what a parameter may be, as in the router.
      .sort((left, right) => left.parameters - right.parameters);
  }

  /** What of an answer the document does not say, each as a sentence. */
  faultsOf(answered: Answered): string[] {
    const path = answered.url.split('?', 1)[0] as string;
    if (PAGES.test(path)) return [];
    // What a browser asks for a page of another origin, where CORS_ORIGINS names one.
    if (answered.method === 'OPTIONS' && answered.status === 204) return [];
    const method = answered.method === 'HEAD' ? 'get' : answered.method.toLowerCase();
    const route = this.routes.find(({ pattern, operations }) => operations[method] && pattern.test(path));
    const operation = route?.operations[method];
    const place = `${answered.method} ${route?.template ?? path} answered ${answered.status}`;
    const isRouted = operation && !AT_THE_DOOR.test(answered.body.toString('latin1', 0, 1_000));
    const faults = isRouted ? this.judge(operation, answered) : this.judgeUnrouted(answered);
    return faults.map((fault) => `${place}: ${fault}`);
  }

  private judge(operation: Operation, answered: Answered): string[] {
    const response = operation.responses[answered.status];
    if (!response) {
      return [`the document has no such status. ${answered.body.toString('utf8', 0, 300)}`];
    }
    const key = `${operation.operationId} ${answered.status}`;
    return [...this.judgeHeaders(response, answered), ...this.judgeBody(key, response, answered)];
  }

  /** Where no operation is: nothing but a problem that says so. */
  private judgeUnrouted(answered: Answered): string[] {
    const content = { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
    const faults = this.judgeBody('unrouted', { description: '', content }, answered);
    return answered.status >= 400 && answered.status < 500 ? faults : ['the document has no such route'];
  }

  private judgeHeaders(response: Response, { headers }: Answered): string[] {
    const documented = new Map(
      Object.entries(response.headers ?? {}).map(([name, header]) => [name.toLowerCase(), this.resolve(header)]),
    );
    const faults = Object.keys(headers)
      .filter((name) => !PLAIN_HEADERS.test(name) && !documented.has(name))
      .map((name) => `the document does not name its header ${name}`);
    for (const [name, { required, schema }] of documented) {
      const value = headers[name];
      if (value === undefined) {
        if (required) faults.push(`the header ${name} is missing`);
      } else if (schema) {
        const typed = /^\d+$/.test(value) && schema.type === 'integer' ? Number(value) : value;
        if (!this.ajv.validate(schema, typed)) faults.push(`the header ${name} is ${value}, ${this.ajv.errorsText()}`);
      }
    }
    return faults;
  }

  private resolve(header: Header | { readonly $ref: string }): Header {
    return '$ref' in header ? (this.headers[header.$ref.split('/').at(-1) as string] ?? {}) : header;
  }

  private judgeBody(key: string, response: Response, { method, status, headers, body }: Answered): string[] {
    const { content = {} } = response;
    // Node sends no body with these, whatever it is given.
    if (body.length === 0 || status === 304 || status === 204) {
      return method === 'HEAD' || Object.keys(content).length === 0 ? [] : ['the body is missing'];
    }
    const type = (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
    const media = content[type];
    if (!media) return [`the document does not have the content type "${type}" for it`];
    if (!/[/+]json$/.test(type)) return [];
    let json: unknown;
    try {
      json = JSON.parse(body.toString('utf8'));
    } catch {
      return ['the body is not JSON'];
    }
    const validate = this.validator(`${key} ${type}`, media.schema ?? {});
    const faults = validate(json)
      ? []
      : [`${this.ajv.errorsText(validate.errors)} ${JSON.stringify(validate.errors?.[0]?.params)} in ${shorten(body)}`];
    const { code } = json as { code?: string };
    if (type === 'application/problem+json' && media.examples && !Object.hasOwn(media.examples, String(code))) {
      faults.push(`the document does not name the problem ${code} for it`);
    }
    return faults;
  }

  private validator(key: string, schema: object): ValidateFunction {
    let validate = this.validators.get(key);
    if (!validate) {
      const local = JSON.stringify(closed(schema)).replaceAll('"#/components/', '"contract#/components/');
      validate = this.ajv.compile(JSON.parse(local));
      this.validators.set(key, validate);
    }
    return validate;
  }
}

interface Header {
  readonly required?: boolean;
  readonly schema?: { readonly type?: string };
}

/**
 * A schema under which a member that it does not name is a fault. The published document leaves that open, because
 * clients have to live with members that are added; the tests do not.
 */
function closed<T>(schema: T): T {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed) as T;
  const parts = Object.entries(schema).map(([name, part]) => [name, /^examples?$/.test(name) ? part : closed(part)]);
  const copy = Object.fromEntries(parts);
  const isObject = typeof copy.properties === 'object' && copy.type !== undefined;
  return isObject && copy.additionalProperties === undefined ? { ...copy, additionalProperties: false } : copy;
}

function shorten(body: Buffer): string {
  return body.length > 600 ? `${body.toString('utf8', 0, 600)}…` : body.toString('utf8');
}

/** Of the committed document, for every test file of this worker: to compile its schemas cost each 150 ms. */
const worker = globalThis as { holdfastTruth?: Truth };
const faults = new Set<string>();

/** Holds every answer of the server to the document, as it goes onto the wire. Default: the committed one. */
export function holdToDocument(server: Server, document?: OpenApiDocument): void {
  worker.holdfastTruth ??= new Truth(
    JSON.parse(readFileSync(new URL('../../openapi/v1.json', import.meta.url), 'utf8')),
  );
  const judge = document ? new Truth(document) : worker.holdfastTruth;
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    const keep = (chunk: unknown) => {
      if (typeof chunk === 'string') chunks.push(Buffer.from(chunk));
      else if (Buffer.isBuffer(chunk)) chunks.push(Buffer.from(chunk)); // whoever sent it may use it again
    };
    let headers: Record<string, unknown> = {};
    const { write, end, writeHead } = response;
    response.writeHead = ((...head: Parameters<typeof writeHead>) => {
      const given = head.find((one) => typeof one === 'object') as Record<string, unknown> | string[] | undefined;
      headers = Array.isArray(given) ? byName(given) : { ...given };
      return writeHead.apply(response, head);
    }) as typeof writeHead;
    response.write = ((...part: Parameters<typeof write>) => {
      keep(part[0]);
      return write.apply(response, part);
    }) as typeof write;
    response.end = ((...part: Parameters<typeof end>) => {
      keep(part[0]);
      const all = Object.entries({ ...response.getHeaders(), ...headers });
      const answered: Answered = {
        method: request.method ?? '',
        url: request.url ?? '',
        status: response.statusCode,
        headers: Object.fromEntries(all.map(([name, value]) => [name.toLowerCase(), String(value)])),
        body: Buffer.concat(chunks),
      };
      for (const fault of judge.faultsOf(answered)) faults.add(fault);
      lookThroughAnswer(answered);
      return end.apply(response, part);
    }) as typeof end;
  });
}

/** Of a list of names and values in turn. */
function byName(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.flatMap((name, i) => (i % 2 === 0 ? [[name, lines[i + 1] as string]] : [])));
}

/** Throws what came up since the last look. */
export function expectTruth(): void {
  if (faults.size === 0) return;
  const found = [...faults].slice(0, 20).join('\n');
  faults.clear();
  throw new Error(`The service said what openapi/v1.json does not say:\n${found}`);
}
