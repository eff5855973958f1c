export * from './resample.js';
