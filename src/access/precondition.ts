import { Problem } from '../problems/problem.js';

/** What If-Match asks for: a version, `*` for any, or undefined where the header was not sent. */
export type Expectation = number | '*' | undefined;

/** Throws `version_conflict` unless what is there is what the caller has read. `current`: undefined if nothing is. */
export function expectVersion(expected: Expectation, current: number | undefined): void {
  if (expected === undefined || expected === current || (expected === '*' && current !== undefined)) return;
  throw new Problem(
    'version_conflict',
    current === undefined
      ? 'There is nothing here yet: leave If-Match out to create it.'
      : `Its version is ${current}, not ${expected}: read it again, and send its ETag in If-Match.`,
  );
}
