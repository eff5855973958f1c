export { planNormApply } from './apply.wgsl.js';
export { planNormGrad } from './grad.wgsl.js';
export type { NormProblem } from './problem.js';
export { planNormStats, type RunningStatistics } from './stats.wgsl.js';
