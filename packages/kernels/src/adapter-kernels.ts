export * from './products/some-adapters.js';
