export * from './generated/index.js';
export { createHoldfast, type HoldfastOptions, newIntent } from './holdfast.js';
export { type AnyProblem, isProblem, type ProblemCode, type ProblemOf } from './problem.js';
