export * from './experiments/index.js';
export * from './run/index.js';
export * from './tables/index.js';
