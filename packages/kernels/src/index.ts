export * from './anomaly/index.js';
export * from './assign/index.js';
export * from './conv2d/index.js';
export * from './kernel.js';
export * from './plan.js';
export * from './pointwise/index.js';
export * from './shape/index.js';
export * from './reduce/index.js';
