export * from './loss-scaler.js';
export { Optimizer, type OptimizerState, type ParameterGroup } from './optimizer.js';
export * from './optimizers.js';
export * from './schedules.js';
