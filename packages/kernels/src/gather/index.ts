export * from './adjust-images.js';
export * from './gather.js';
export * from './gather-images.js';
