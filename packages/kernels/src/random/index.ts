export * from './dropout.js';
export * from './philox.js';
