export * from './activations.js';
export * from './containers.js';
export { Conv2d, type Conv2dLayerOptions } from './conv2d.js';
export { Dropout } from './dropout.js';
export { Linear } from './linear.js';
export * from './loss.js';
export * from './norms.js';
export * from './pooling.js';
export { resetG, WeightNormConv2d, WeightNormLinear } from './weight-normed.js';
