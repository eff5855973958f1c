export * from './clip-grad-norm.js';
export * from './optim.js';
