export * from './kernel.js';
export * from './plan.js';
