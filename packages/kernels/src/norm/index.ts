export { planNormApply } from './apply.wgsl.js';
export { planNormGrad } from './grad.wgsl.js';
export { planNormGradJoined, planNormJoined } from './joined.wgsl.js';
export type { NormProblem } from './problem.js';
export { mergeMoments, planNormStats, type RunningStatistics } from './stats.wgsl.js';
