export * from './adaptive-avg-pool.js';
export * from './adaptive-max-pool.js';
export * from './pool.js';
