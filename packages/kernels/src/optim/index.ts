export * from './clip-grad-norm.js';
export * from './layerwise.js';
export * from './loss-scale.js';
export * from './optim.js';
export * from './pieces.js';
export * from './rule.js';
export * from './taken-numbers.js';
