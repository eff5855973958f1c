export * from './experiments/index.js';
export * from './papers/index.js';
export * from './progress/index.js';
export * from './report/index.js';
export * from './run/index.js';
export * from './statistics/index.js';
export * from './sweep/index.js';
export * from './tables/index.js';
