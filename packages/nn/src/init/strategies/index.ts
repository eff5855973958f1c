import './vanilla.js';

export * from './registry.js';
