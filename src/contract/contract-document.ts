/** What the pages look at of the contract, as it stands in openapi/v1.json. */
export interface ContractDocument {
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ContractOperation>>>>;
  readonly components: { readonly examples: Readonly<Record<string, { readonly value: unknown }>> };
}

interface ContractOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly deprecated?: boolean;
  readonly 'x-sunset'?: string;
  readonly 'x-required-scope'?: string | readonly string[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly examples?: object }>> }>
  >;
}

/** One operation: what a reader needs to recognise it. */
export interface Call {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly section: string;
  readonly deprecated: boolean;
  /** Until when it works, RFC 3339; null: nobody has said. */
  readonly sunset: string | null;
  /** Any of them lets in; none: no key is needed. */
  readonly scopes: readonly string[];
  /** Codes of the problems it may answer with. */
  readonly problems: readonly string[];
}

/** Every operation, in the order of the document. */
export function callsOf(document: ContractDocument): Call[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({
      id: operation.operationId,
      method: method.toUpperCase(),
      path,
      summary: operation.summary,
      section: operation.tags[0] as string,
      deprecated: operation.deprecated ?? false,
      sunset: operation['x-sunset'] ?? null,
      scopes: [operation['x-required-scope'] ?? []].flat(),
      problems: Object.values(operation.responses).flatMap(({ content }) =>
        Object.keys(content?.['application/problem+json']?.examples ?? {}),
      ),
    })),
  );
}
