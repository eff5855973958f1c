export * from './adaptive-avg-pool.js';
export * from './adaptive-max-pool.js';
export type { AdaptivePoolProblem } from './adaptive-windows.wgsl.js';
export * from './pool.js';
