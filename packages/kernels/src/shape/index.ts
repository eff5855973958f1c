export * from './copy-region.js';
