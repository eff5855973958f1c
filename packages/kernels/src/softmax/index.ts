export * from './cross-entropy.js';
export * from './softmax.js';
export * from './loss-mean.js';
