export { cnnDepthPublished, type DepthReference, mlpDepthPublished, wrnDepthPublished } from './depth-reference.js';
export {
  type CnnInitColumn,
  type CnnInitStrategy,
  cnnInitFashionMnist,
  cnnInitPublished,
  type InitDesignColumn,
  type InitDesignRow,
  initDesignPublished,
  type NormDesignColumn,
  type NormDesignRow,
  normDesignPublished,
  type ReferenceTable,
  type WeightNormColumn,
  type WeightNormNet,
  weightNormInitPublished,
} from './reference.js';
export { type TenEpochRun, type TenEpochSeed, tenEpochReference } from './ten-epoch-reference.js';
