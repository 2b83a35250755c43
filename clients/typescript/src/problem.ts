import type { ProblemCode } from './generated/problem-codes.js';
import type { FieldError, Problem, Shortage } from './generated/types.gen.js';

export type { ProblemCode };

/** What a problem of one code has beside what all have. */
interface Members {
  insufficient_stock: { readonly shortages: Shortage[] };
  scope_required: { readonly requiredScope: string };
  validation_failed: { readonly errors: FieldError[] };
}

/** A problem of one code, with what belongs to it. */
export type ProblemOf<Code extends ProblemCode> = Problem & { readonly code: Code } & (Code extends keyof Members
    ? Members[Code]
    : unknown);

/** Any problem that the contract names: a `switch` over its `code` tells them apart. */
export type AnyProblem = { [Code in ProblemCode]: ProblemOf<Code> }[ProblemCode];

/**
 * Whether an error is a problem of one of these codes; without any, whether it is a problem at all. What it is not: no
 * answer came. A service newer than this client may answer a code that is not in `ProblemCode`: take it by its status.
 */
export function isProblem(error: unknown): error is AnyProblem;
export function isProblem<Code extends ProblemCode>(
  error: unknown,
  ...codes: Code[]
): error is { [One in Code]: ProblemOf<One> }[Code];
export function isProblem(error: unknown, ...codes: ProblemCode[]): boolean {
  if (typeof error !== 'object' || error === null || !('code' in error) || !('requestId' in error)) return false;
  return codes.length === 0 || (codes as unknown[]).includes(error.code);
}
