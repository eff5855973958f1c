export * from './cross-entropy.js';
export * from './softmax.js';
