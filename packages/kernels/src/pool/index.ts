export * from './adaptive-avg-pool.js';
export * from './pool.js';
