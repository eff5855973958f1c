export * from './argmax.js';
export * from './argsort.js';
export * from './cumsum.js';
export * from './indexed.js';
export type { Lines } from './lines.js';
export * from './pieces.js';
export * from './product.js';
