import './init-design.js';
import './vanilla.js';

export { type ResidualBlock, residualBlocks } from './blocks.js';
export * from './registry.js';
