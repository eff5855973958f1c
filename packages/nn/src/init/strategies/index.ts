import './init-design.js';
import './init-design-tried.js';
import './data-dependent.js';
import './residual-scale.js';
import './fixup.js';
import './weight-norm.js';
import './vanilla.js';

export { affineNorms, blockStages, type FoundBlock, type PlacedBlock, residualBlocks } from './blocks.js';
export * from './registry.js';
