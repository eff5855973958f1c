import './init-design.js';
import './vanilla.js';

export { affineNorms, type ResidualBlock, residualBlocks } from './blocks.js';
export * from './registry.js';
