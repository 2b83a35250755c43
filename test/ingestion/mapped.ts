import { readFileSync } from 'node:fs';
import { parseCanonical } from '../../src/ingestion/canonical-reader.js';
import { canonicalJson } from '../../src/ingestion/canonical-writer.js';
import { MappingFailed } from '../../src/ingestion/event-fields.js';
import { evaluate } from '../../src/ingestion/mapping.js';
import type { Profile } from '../../src/ingestion/profiles.js';

const FOLDER = new URL('../../src/ingestion/profiles/', import.meta.url);

export interface Given {
  readonly constants?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What one of our events says: without its envelope's version, and without an id that is only its number. */
export type Said = Record<string, unknown>;

/** A shipped profile as it stands in its files. */
export function shipped(name: string): Profile {
  const manifest = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), 'utf8'));
  const { expression } = manifest;
  return { ...manifest, expression: expression && readFileSync(new URL(expression, FOLDER), 'utf8') };
}

/** What a shipped profile makes of a payload from the source `acme`. Throws MappingFailed as the service does. */
export async function mapped(name: string, payload: unknown, { constants, headers }: Given = {}): Promise<Said[]> {
  const profile = shipped(name);
  const events = await evaluate({
    format: profile.format,
    expression: profile.expression as string,
    constants: { ...profile.constants, ...constants },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload),
    headers: headers ?? {},
    receivedAt: '2026-03-01T08:30:00.000Z',
    source: 'acme',
  });
  return (JSON.parse(events) as Said[]).map((event) => {
    const { specversion: _, ...said } = canonicalJson(parseCanonical({ id: '-', ...event }));
    if (said.id === '-') delete said.id;
    return said;
  });
}

/** Why it makes nothing of it, in one line. */
export async function refused(name: string, payload: unknown, given: Given = {}): Promise<string> {
  const thrown = await mapped(name, payload, given).then(
    (events) => new Error(`It made ${JSON.stringify(events)}.`),
    (error) => error,
  );
  if (thrown instanceof MappingFailed) return thrown.detail;
  throw thrown;
}
