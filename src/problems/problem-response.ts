import { PROBLEMS, type ProblemCode } from './problem.js';

/** A response of the OpenAPI document that is a problem document. */
export interface ProblemResponse {
  readonly description: string;
  readonly content: { readonly 'application/problem+json': { readonly schema: { readonly $ref: string } } };
}

/** What the document says of these codes: one response a status, whose description names each code with its title. */
export function problemResponses(codes: Iterable<ProblemCode>): Map<number, ProblemResponse> {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set(codes)) {
    const entry: { status: number; statusInBody?: number } = PROBLEMS[code];
    for (const at of new Set([entry.status, entry.statusInBody ?? entry.status])) {
      byStatus.set(at, [...(byStatus.get(at) ?? []), code]);
    }
  }
  return new Map([...byStatus].map(([status, of]) => [status, response(of)]));
}

/** The codes that the description of a problem response names. */
export function codesIn(description: string): ProblemCode[] {
  return [...description.matchAll(/`(\w+)`:/g)].map(([, code]) => code as ProblemCode);
}

function response(codes: readonly ProblemCode[]): ProblemResponse {
  return {
    description: codes.map((code) => `\`${code}\`: ${PROBLEMS[code].title}.`).join(' '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}
