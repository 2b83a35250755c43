import type { OpenAPIObject } from '@nestjs/swagger';

/** In the order of the document. */
export const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head', 'options'] as const;

/** A schema as it stands in the document: JSON Schema, of which we look at a few members. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly allOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly example?: unknown;
  readonly default?: unknown;
}

export interface MediaType {
  schema?: Schema;
  example?: unknown;
  examples?: Record<string, unknown>;
}

export interface Response {
  description: string;
  headers?: Record<string, HeaderObject | { readonly $ref: string }>;
  readonly content?: Record<string, MediaType>;
}

export interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  deprecated?: boolean;
  /** The day from which it may be gone. */
  'x-sunset'?: string;
  /** What @Deprecated said. */
  'x-deprecation'?: { readonly since: string; readonly sunset: string; readonly link: string };
  /** Empty: anyone may call it. */
  security?: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: Schema; example?: unknown }[];
  readonly requestBody?: { readonly content: Record<string, MediaType> };
  readonly responses: Record<string, Response>;
}

export interface OpenApiDocument extends Omit<OpenAPIObject, 'paths' | 'components'> {
  paths: Record<string, Partial<Record<(typeof METHODS)[number], Operation>>>;
  components: {
    schemas: Record<string, Schema>;
    headers?: Record<string, HeaderObject>;
    examples?: Record<string, unknown>;
  };
}

/** A header of an answer: of OpenAPI's header object what we use. */
export interface HeaderObject {
  readonly description: string;
  readonly required?: boolean;
  readonly schema: Readonly<Record<string, unknown>>;
}

/** Every operation of the document with its place. */
export function operations(document: OpenApiDocument): { method: string; path: string; operation: Operation }[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  );
}
