/*
 * `@initlab/core/internal`: what nn, models, data and lab stand on beside the public index: checks of arguments in one voice, what a
 * recording is told, updates of optimisers, planning. No promise is made to others; `defineOp` and what it takes are in the index.
 */
export { hyperNames, hyperNumbers, type Plan, type Tunable, tunableOf } from '@initlab/kernels';
export { checkBody } from './checks/check-body.js';
export { checkInterpolation } from './checks/check-interpolation.js';
export { checkedPair, checkFlags, checkNumber, checkSizes, type NumberRange } from './checks/check-numbers.js';
export { checkChoice, checkEntry, checkObject, checkOptions, showValue } from './checks/check-options.js';
export { checkOutputPadding } from './checks/check-output-padding.js';
export { showShape } from './checks/errors.js';
export { unknownName } from './checks/nearest.js';
export type { DispatchFacts, TunableNode } from './compile/compiled-graph.js';
export { noAdapterAdvice } from './gpu/find-gpu.js';
export { runPlan } from './op/op.js';
export { checkedAdaptiveSize } from './ops/arguments/adaptive-size.js';
export { adjustImages } from './ops/image/adjust-images.js';
export { type GatherImagesOptions, gatherImages } from './ops/image/gather-images.js';
export { adjustmentRow, type ImageAdjustment } from './ops/image/image-adjustment.js';
export { fmaProbe } from './ops/pointwise/fma-probe.js';
export { type LayerwiseRule, layerwiseUpdate } from './ops/update/layerwise-update.js';
export { type LossScaleRule, largestLossScale, lossScaleUpdate } from './ops/update/loss-scale-update.js';
export { type OptimizerRule, optimizerUpdate } from './ops/update/optim-update.js';
export { takenNumbers } from './ops/update/taken-numbers.js';
export { halfOpen } from './random/half-open.js';
export { guard, setsMode } from './record/guard.js';
export { outdateRecordings } from './record/outdated.js';
export { currentRecorder } from './record/recorder.js';
export { broadcastShapes, bytesOf, sameShape, sizeOf } from './storage/spec.js';
export { checkTensor, checkTensorOptions, checkTensors } from './tensor/check-tensor.js';
