/**
 * An answer with what HTTP adds to it. Controllers return it where the status or a header depends on what happened;
 * everything else is returned bare and answers 200.
 */
export class Answer<T = unknown> {
  constructor(
    readonly status: number,
    readonly body: T,
    readonly headers: Readonly<Record<string, string>> = {},
    /** The body as it is sent, where somebody has written it already. */
    readonly text?: string | Buffer,
  ) {}
}

/** Strong ETag of a versioned resource. */
export function etag(version: number): string {
  return `"${version}"`;
}

/** An answer that carries its version as ETag; 201 when it was created. */
export function versioned<T extends { version: number }>(body: T, created = false): Answer<T> {
  return new Answer(created ? 201 : 200, body, { ETag: etag(body.version) });
}
