export * from './non-finite.js';
