import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Table } from './call.js';

const affine = (call: Call) => ({ weight: call.x(1), bias: call.optional(2), eps: call.number('epsilon', 1e-5) });

function batchNorm(call: Call): readonly Tensor[] {
  const x = call.x(0);
  const options = affine(call);
  if (!call.flag('training_mode'))
    return [core.batchNorm(x, { ...options, runningMean: call.x(3), runningVar: call.x(4), training: false })];
  // Copies: training moves them in place. ONNX's momentum is what stays, PyTorch's what is new.
  const [runningMean, runningVar] = [core.add(call.x(3), 0), core.add(call.x(4), 0)];
  const momentum = 1 - call.number('momentum', 0.9);
  const y = core.batchNorm(x, { ...options, runningMean, runningVar, training: true, momentum });
  // ONNX keeps the biased variance, PyTorch the unbiased one: the difference is taken off again.
  const over = { dim: [0, 2, 3] };
  const more = core.sub(core.variance(x, { ...over, correction: 1 }), core.variance(x, { ...over, correction: 0 }));
  return [y, runningMean, core.sub(runningVar, core.mul(more, momentum))];
}

/** With the mean and 1 / √(variance + ε), which ONNX also gives. */
function layerNorm(call: Call): readonly Tensor[] {
  const x = call.x(0);
  const axis = call.number('axis', -1);
  const from = axis < 0 ? axis + x.ndim : axis;
  const options = affine(call);
  const over = { dim: x.shape.flatMap((_, i) => (i < from ? [] : [i])), keepdim: true };
  const y = core.layerNorm(x, { normalizedShape: x.shape.slice(from), ...options });
  const variance = core.variance(x, { ...over, correction: 0 });
  return [y, core.mean(x, over), core.rsqrt(core.add(variance, options.eps))];
}

export const norms: Table = {
  BatchNormalization: batchNorm,
  InstanceNormalization: (call) => core.instanceNorm(call.x(0), affine(call)),
  LayerNormalization: layerNorm,
  LRN: (call) =>
    core.localResponseNorm(call.x(0), {
      size: call.number('size', 1),
      alpha: call.number('alpha', 1e-4),
      beta: call.number('beta', 0.75),
      k: call.number('bias', 1),
    }),
  MeanVarianceNormalization: (call) => core.batchNorm(call.x(0), { training: true, eps: 1e-9 }),
};
