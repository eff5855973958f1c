export { affineNorms, blockStages, type FoundBlock, type PlacedBlock, residualBlocks } from './blocks.js';
export { findInitializer, listInitializers, registerInitializer } from './registry.js';
export {
  drawnLayers,
  firsts,
  type InitializeOptions,
  type InitializerEntry,
  type InitializeWeights,
  isWeightNormed,
  modelDepth,
  weightLayers,
} from './stored.js';
