export * from './adaptive-pool.js';
export * from './pool.js';
