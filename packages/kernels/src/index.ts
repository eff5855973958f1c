export * from './anomaly/index.js';
export * from './assign/index.js';
export * from './kernel.js';
export * from './plan.js';
