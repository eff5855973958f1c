/*
 * `@initlab/core/internal`: what nn, models, data and lab stand on beside the public index: checks of arguments in one voice, what a
 * recording is told, updates of optimisers, planning. No promise is made to others; `defineOp` and what it takes are in the index.
 */
export { hyperNames, hyperNumbers, type Plan, type Tunable, tunableOf } from '@initlab/kernels';
export {
  checkBody,
  checkChoice,
  checkEntry,
  checkedPair,
  checkFlags,
  checkNumber,
  checkObject,
  checkOptions,
  checkOutputPadding,
  checkSizes,
  type NumberRange,
} from './checks/check-arguments.js';
export { checkInterpolation } from './checks/check-interpolation.js';
export { showShape, showValue } from './checks/errors.js';
export { unknownName } from './checks/nearest.js';
export type { DispatchFacts, TunableNode } from './compile/compiled-graph.js';
export { noAdapterAdvice } from './gpu/find-gpu.js';
export { runPlan } from './op/op.js';
export { checkedAdaptiveSize } from './ops/arguments/adaptive-size.js';
export { adjustImages } from './ops/image/adjust-images.js';
export { type GatherImagesOptions, gatherImages } from './ops/image/gather-images.js';
export { adjustmentRow, type ImageAdjustment } from './ops/image/image-adjustment.js';
export { fmaProbe } from './ops/pointwise/fma-probe.js';
export { type LossScaleRule, largestLossScale, lossScaleUpdate } from './ops/update/loss-scale-update.js';
export { type LayerwiseRule, layerwiseUpdate, type OptimizerRule, optimizerUpdate } from './ops/update/optim-update.js';
export { takenNumbers } from './ops/update/taken-numbers.js';
export { halfOpen } from './random/half-open.js';
export { currentRecorder, guard, outdateRecordings, setsMode } from './record/recorder.js';
export { broadcastShapes, bytesOf, sameShape, sizeOf } from './storage/spec.js';
export { checkTensor, checkTensorOptions, checkTensors } from './tensor/check-tensor.js';
