import { EVENT_TYPES } from './canonical-event.js';
import { EVENT_SCHEMAS, type JsonSchema } from './event-schemas.js';
import { SCHEMES, type Scheme } from './source.js';

const DESCRIPTION = `What goes in: events of warehouses, ERPs, logistics providers and gateways, by POST /v1/ingest/{source}. Each is
CloudEvents 1.0 in JSON, alone, as a list, or as lines. What is answered is in the OpenAPI document, /openapi/v1.json; how to set
up a source and to sign, in the guide, /docs/webhooks.

A type is a promise with its version: within \`.v1\` only optional members are added. A source that cannot send this form is set up
with a profile, and sends its own.`;

const SIGNATURES: Readonly<Record<Scheme, object>> = {
  standard_webhooks: {
    type: 'httpApiKey',
    in: 'header',
    name: 'webhook-signature',
    description:
      'Standard Webhooks: `v1,` and the HMAC-SHA-256 in base64 of `webhook-id`, a full stop, `webhook-timestamp` in seconds, a full ' +
      'stop and the body. The key is what stands behind `whsec_`, decoded. Taken for five minutes.',
  },
  hmac_sha256: {
    type: 'httpApiKey',
    in: 'header',
    name: 'X-Signature',
    description:
      'HMAC-SHA-256 of the body in base64 or hex. The source names its header, so that it need not be this one.',
  },
  static_header: {
    type: 'httpApiKey',
    in: 'header',
    name: 'X-Secret',
    description: 'The secret itself. The source names its header, so that it need not be this one.',
  },
  basic: { type: 'http', scheme: 'basic', description: 'The secret as password, the code of the source as user.' },
};

/** AsyncAPI 3.1 of what sources send. The payloads are what `event-schemas` says, without `$id`, which names one document. */
export function asyncApiDocument(version: string): object {
  const each = <T>(make: (type: (typeof EVENT_TYPES)[number]) => T) =>
    Object.fromEntries(EVENT_TYPES.map((type) => [type, make(type)]));
  const messages = '#/channels/events/messages';
  return {
    asyncapi: '3.1.0',
    info: {
      title: 'Holdfast events',
      version,
      description: DESCRIPTION,
      license: { name: 'Proprietary' },
      tags: [{ name: 'in', description: 'What sources say.' }],
    },
    defaultContentType: 'application/cloudevents+json',
    servers: {
      service: {
        host: '{host}',
        protocol: 'https',
        description: 'The service that gives this document.',
        variables: { host: { default: 'localhost:3000', description: 'Its host and port.' } },
      },
    },
    channels: {
      events: {
        address: '/v1/ingest/{source}',
        title: 'Events of a source',
        description: 'Durable when it is answered; applied once, in the order of each source.',
        servers: [{ $ref: '#/servers/service' }],
        parameters: { source: { description: 'The code of the source, as it was set up.', examples: ['wms-north'] } },
        messages: each((type) => ({ $ref: `#/components/messages/${type}` })),
      },
    },
    operations: {
      receiveEvents: {
        action: 'receive',
        channel: { $ref: '#/channels/events' },
        title: 'Send events, signed as their source',
        description:
          'We receive, the source sends: one event, or up to 10,000 in up to 5 MiB. Which way to sign holds, the source says.',
        security: SCHEMES.map((scheme) => ({ $ref: `#/components/securitySchemes/${scheme}` })),
        tags: [{ name: 'in' }],
        bindings: {
          http: {
            method: 'POST',
            query: {
              type: 'object',
              properties: {
                atomic: {
                  type: 'boolean',
                  default: false,
                  description: 'All events of the request are applied, or none.',
                },
              },
            },
            bindingVersion: '0.3.0',
          },
        },
        messages: EVENT_TYPES.map((type) => ({ $ref: `${messages}/${type}` })),
      },
    },
    components: {
      messages: each((type) => ({
        name: type,
        title: EVENT_SCHEMAS[type].title,
        contentType: 'application/cloudevents+json',
        payload: { $ref: `#/components/schemas/${type}` },
        description: `Its JSON Schema is at ${EVENT_SCHEMAS[type].$id}, with what it cannot say.`,
        bindings: {
          http: {
            headers: {
              type: 'object',
              properties: { 'Content-Type': { type: 'string', const: 'application/cloudevents+json' } },
            },
            bindingVersion: '0.3.0',
          },
        },
        examples: (EVENT_SCHEMAS[type].examples as object[]).map((payload) => ({ name: 'one', payload })),
      })),
      schemas: each((type) => embedded(EVENT_SCHEMAS[type])),
      securitySchemes: SIGNATURES,
    },
  };
}

function embedded({ $schema, $id, ...schema }: JsonSchema): JsonSchema {
  return schema;
}
