export { BatchInstanceNorm } from './batch-instance.js';
export { ChannelAdaptiveNorm } from './channel-adaptive.js';
export { ChannelAffineNorm, type ChannelNormOptions } from './channel-affine.js';
export { type ConvolutionFactory, groupsFor, type NormFactory, normConv2d, normOf } from './factory.js';
export { FilterResponseNorm } from './filter-response.js';
export { GatedGroupNorm, SkipScaledGroupNorm } from './gated-group.js';
export { listNorms, type NormEntry, normFactory, registerNorm } from './registry.js';
export { SwitchableNorm } from './switchable.js';
