export * from './weight-norm.js';
