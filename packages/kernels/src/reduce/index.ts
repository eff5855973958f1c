export { type ChainReduceProblem, planChainReduce } from './chain-reduce.js';
export type { ReduceKind, ReduceResult } from './kind.js';
export { type MomentsProblem, planMoments } from './moments.js';
export * from './reduce.js';
