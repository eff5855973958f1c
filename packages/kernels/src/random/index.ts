export * from './draw.js';
export * from './dropout.js';
export * from './philox.js';
export * from './uniform.js';
