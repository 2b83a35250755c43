import { invalid } from './problem.js';

/** How deep a body may be nested: what walks it (validation, fingerprints, jsonb) does so by recursion. */
const DEEPEST = 32;

/** Throws `validation_failed` for JSON nested deeper than any we take. A stream is left alone. */
export function requireShallow(body: unknown): void {
  if (!isDeeper(body, DEEPEST)) return;
  throw invalid([{ pointer: '', code: 'too_deep', detail: `The body is nested more than ${DEEPEST} levels deep` }]);
}

/** Of what JSON holds. */
function isDeeper(value: unknown, most: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype) return false;
  if (most === 0) return true;
  if (Array.isArray(value)) return value.some((part) => isDeeper(part, most - 1));
  for (const part in value) if (isDeeper((value as Record<string, unknown>)[part], most - 1)) return true;
  return false;
}
