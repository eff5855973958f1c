export * from './cross-entropy.js';
export * from './loss-mean.js';
export * from './softmax.js';
