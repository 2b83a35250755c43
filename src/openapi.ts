import { readFile } from 'node:fs/promises';
import type { Type } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { operationId } from './access/operation.js';
import { createApp } from './app.js';
import { readConfig } from './config.js';
import { completeAnswers, HEADERS } from './openapi-answers.js';
import { documentBounds } from './openapi-bounds.js';
import { METHODS, type OpenApiDocument, type Operation, operations, type Schema } from './openapi-document.js';
import { FieldErrorView, ProblemView, ShortageView } from './problems/problem.dto.js';
import { PROBLEMS, ProblemCode } from './problems/problem.js';
import { codesIn } from './problems/problem-response.js';

const DESCRIPTION = `Says what a sales channel may promise now, and holds it. One truth about stock for every channel, warehouse and ERP.

New here? [The guide](/docs) begins with the first key and the first reservation.

**Keys.** Send \`Authorization: Bearer <key>\`. Each call names the scope it needs; \`admin\` implies all. A key may be bound to a
channel: then \`channel\` may be left out of requests.

**Quantities** are JSON numbers with at most four fraction digits, in the unit asked (\`uom\`, by default the item's base unit).
**Times** are RFC 3339 in UTC. **SKUs** are percent-encoded in paths.

**Repeating is safe.** Calls that take an \`Idempotency-Key\` answer a repetition with the first answer, flagged
\`Idempotent-Replayed: true\`, for 24 hours. Use a new key for each intent and the same one for its retries.

**Versions.** A resource with a \`version\` bears it as \`ETag\`; send it back in \`If-Match\` to change only what you have read.

**Lists** answer \`{ data, nextCursor }\`; send \`nextCursor\` as \`cursor\` for the next page, until it is null.

**Errors** are \`application/problem+json\` (RFC 9457) with a stable \`code\`; \`type\` leads to a page about it, and
[all of them](/problems) are listed. Every answer bears \`X-Request-Id\`, which finds it in our log.

**Limits.** Clients and channels may be limited in the work they ask for: reading costs 1, a change 5, and each line of a body 1 more
(for every ten locations that the channel sells from). \`RateLimit-Policy\` and \`RateLimit\` say in every answer what was agreed and
what is left; 429 \`rate_limited\` bears \`Retry-After\` and costs nothing.

**At the door.** A call with more than 8 KiB of URL (414 \`url_too_long\`), 16 KiB or 100 of headers (431 \`headers_too_large\`), one
that does not arrive in time (408 \`request_timeout\`) or is not HTTP/1.1 (400 \`malformed_request\`) is refused before it is
looked at. Pages of other origins may call where the operator has named their origin.

**Changes.** Within /v1 we only add: ignore members you do not know, and take an unknown code of an error by its status.`;

/** The sections of the contract in the order of the page. A controller names its own with @ApiTags. */
const TAGS: Readonly<Record<string, string>> = {
  Items: 'What is sold: units of measure, identifiers, attributes.',
  Locations: 'Where it stands: warehouses, stores, third parties.',
  Channels: 'Who sells it, from where and in which order; buffers and backorder limits.',
  Sources: 'Who says what happens: warehouses, ERPs; what each owns and how it signs.',
  Events: 'What they say: sent, kept as it came, looked up and replayed.',
  Profiles: 'How the payloads of a vendor become events of ours.',
  Exceptions: 'What could not simply be applied, and what a person does about it.',
  Imports: 'The catalogue and stock levels in bulk, as CSV or NDJSON.',
  Stock: 'Positions, the ledger behind them, and every way to change them.',
  Availability: 'What a channel may promise now.',
  Reservations: 'Hold, commit, ship; release, cancel, un-ship.',
  Governance: 'Who owns which fact, whether promises are kept, what is going.',
  Access: 'Who calls: clients and their keys.',
  Service: 'Health, metrics, and the contract itself.',
};

/**
 * The contract, OpenAPI 3.1, from the decorators of the controllers. Needs no database: Nest builds its modules in
 * preview mode and instantiates nothing. Sorted, so that the committed file changes only where the contract does.
 */
export async function buildDocument(controllers: Type[] = []): Promise<OpenApiDocument> {
  const app = await createApp(readConfig({ LOG_LEVEL: 'silent' }), { preview: true, controllers });
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  const head = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Holdfast')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .addServer('/', 'The service that gives this document: production, staging or local.', undefined, {
      'x-internal': false,
    })
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key: `hf_…`.' }, 'key')
    .build();
  documentBounds();
  const document = SwaggerModule.createDocument(app, head, {
    operationIdFactory: operationId,
    autoTagControllers: false,
    extraModels: [ProblemView, FieldErrorView, ShortageView],
  }) as unknown as OpenApiDocument;

  document.info.license = { name: 'Proprietary' };
  checkTags(document);
  document.tags = Object.entries(TAGS)
    .filter(([name]) => operations(document).some(({ operation }) => operation.tags?.includes(name)))
    .map(([name, description]) => ({ name, description }));
  for (const { method, operation } of operations(document)) {
    operation.security ??= []; // said to everyone, not forgotten
    completeAnswers(document, method, operation);
    addExamples(document, operation);
  }
  document.components = {
    ...sorted(document.components),
    schemas: sorted(document.components.schemas),
    headers: HEADERS,
    examples: problemExamples(),
  };
  document.paths = sorted(document.paths);
  for (const [path, item] of Object.entries(document.paths)) {
    document.paths[path] = Object.fromEntries(
      METHODS.flatMap((method) => (item[method] ? [[method, item[method]]] : [])),
    );
  }
  // In the order a person reads it.
  const { openapi, info, servers, tags, paths, components, ...rest } = document;
  return { openapi, info, servers, tags, paths, components, ...rest };
}

function checkTags(document: OpenApiDocument): void {
  for (const { method, path, operation } of operations(document)) {
    if (operation.tags?.length === 1 && Object.hasOwn(TAGS, operation.tags[0] as string)) continue;
    throw new Error(
      `${method.toUpperCase()} ${path} is in section "${operation.tags}": give its controller one @ApiTags of ` +
        `${Object.keys(TAGS).join(', ')}, or add the section to src/openapi.ts.`,
    );
  }
}

/** Gives each body an example made from the examples of its members, and each problem answer those of its codes. */
function addExamples(document: OpenApiDocument, operation: Operation): void {
  const bodies = [operation.requestBody, ...Object.values(operation.responses)];
  for (const [type, media] of bodies.flatMap((body) => Object.entries(body?.content ?? {}))) {
    if (type !== 'application/json' || media.example || media.examples) continue;
    const example = exampleOf(document, media.schema ?? {});
    if (example !== undefined) media.example = example;
  }
  for (const { description, content } of Object.values(operation.responses)) {
    const media = content?.['application/problem+json'];
    if (!media) continue;
    media.examples = Object.fromEntries(
      codesIn(description).map((code) => [code, { $ref: `#/components/examples/${code}` }]),
    );
  }
}

/**
 * An example from the members' own: `example`, else `default`, else the first of an `enum`. A member that may be left
 * out and has none of them is left out, so that alternatives (`delta` or `onHand`) do not stand side by side.
 */
export function exampleOf(document: OpenApiDocument, schema: Schema): unknown {
  if (schema.example !== undefined) return schema.example;
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1) as string;
    return exampleOf(document, document.components.schemas[name] ?? {});
  }
  const choice = schema.oneOf ?? schema.anyOf;
  if (choice?.[0]) return exampleOf(document, choice[0]);
  if (schema.allOf) {
    const parts = schema.allOf.map((part) => exampleOf(document, part));
    return parts.length === 1 ? parts[0] : Object.assign({}, ...parts);
  }
  if (schema.properties) {
    const members = Object.entries(schema.properties).map(([name, member]) => [name, exampleOf(document, member)]);
    return Object.fromEntries(members.filter(([, example]) => example !== undefined));
  }
  if (schema.items) {
    const item = exampleOf(document, schema.items);
    return item === undefined ? undefined : [item];
  }
  if (schema.default !== undefined) return schema.default;
  return schema.enum?.[0];
}

/** One example a problem, named by its code. */
function problemExamples(): Record<string, { summary: string; value: Record<string, unknown> }> {
  const codes = (Object.keys(PROBLEMS) as ProblemCode[]).sort();
  return Object.fromEntries(
    codes.map((code) => {
      const { status, title, remedy } = PROBLEMS[code];
      const value = {
        type: `/problems/${code}`,
        title,
        status,
        detail: remedy,
        instance: '/v1/reservations',
        code,
        requestId: '0b9f4f43-6c1e-4b39-9d3e-5f6f3c1f2a77',
        ...EXTRA_MEMBERS[code],
      };
      return [code, { summary: title, value }];
    }),
  );
}

const EXTRA_MEMBERS: Partial<Record<ProblemCode, Record<string, unknown>>> = {
  validation_failed: {
    detail: '/lines/0/quantity: quantity takes a quantity above 0',
    instance: '/v1/reservations',
    errors: [{ pointer: '/lines/0/quantity', code: 'is_quantity', detail: 'quantity takes a quantity above 0' }],
  },
  insufficient_stock: {
    instance: '/v1/reservations',
    shortages: [{ line: 1, sku: 'CABLE/2M', requested: 13, available: 10, reason: 'insufficient' }],
  },
  rate_limited: {
    detail: 'This is more than was agreed (channel-burst). It would cost 6. Repeat it in 1 s.',
    violatedPolicies: ['channel-burst'],
  },
  hold_cap_reached: {
    instance: '/v1/reservations',
    cap: { name: 'maxOpenHolds', sku: 'CABLE/2M', most: 3, held: 3 },
  },
  scope_required: {
    detail: 'This call needs a key with the scope reservations:write.',
    requiredScope: 'reservations:write',
  },
};

function sorted<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).sort(([left], [right]) => (left < right ? -1 : 1))) as T;
}
