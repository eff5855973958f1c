export * from './loss-scaler.js';
export { type LossScaleOptions, Optimizer } from './optimizer.js';
export type { OptimizerState } from './optimizer-state.js';
export { decodeOptimizer, encodeOptimizer, loadOptimizer, saveOptimizer } from './optimizer-file.js';
export * from './optimizers.js';
export type { ParameterGroup } from './parameter-groups.js';
export * from './reduce-lr-on-plateau.js';
export * from './schedules.js';
export * from './more-schedules.js';
