export { Mlp, PlainCnn } from './feed-forward.js';
export { FixupBlock, FixupResNet } from './fixup-resnet.js';
export { InvertedResidual, MobileNetV2 } from './mobilenet-v2.js';
export type { ModelEntry, ModelOptions } from './model-entry.js';
export { createModel, defaultNorm, listModels, registerModel } from './registry.js';
export { BasicBlock, ResNetCifar } from './resnet-cifar.js';
export { SimpleCnn } from './simple-cnn.js';
export { VggBn } from './vgg.js';
export { WideBlock, WideResNet } from './wide-resnet.js';
