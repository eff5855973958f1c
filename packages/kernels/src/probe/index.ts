export * from './fma-probe.js';
