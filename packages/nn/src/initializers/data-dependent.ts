import { copyInto, div, greater, mul, OpError, reshape, rsqrt, sub, type Tensor, varMean, where } from '@initlab/core';
import { checkTensorOptions } from '@initlab/core/internal';
import { zeros_ } from '../init/fills.js';
import { orthogonal_ } from '../init/orthogonal.js';
import { Conv2d } from '../layers/conv2d.js';
import { Linear } from '../layers/linear.js';
import { resetG } from '../layers/weight-normed.js';
import { WeightStandardisedConv2d } from '../layers/weight-standardised.js';
import { withForwardHook } from '../module/forward-hook.js';
import type { Module } from '../module/module.js';
import { withoutTrace } from '../module/without-trace.js';
import { affineNorms } from './blocks.js';
import { drawnLayers, firsts, type InitializeOptions, type InitializerEntry, isWeightNormed, weightLayers } from './stored.js';

/** The batch a data-dependent strategy looks at. Throws where none was given. */
export function batchOf(name: string, { batch }: InitializeOptions): Tensor {
  checkTensorOptions(name, { batch });
  if (batch) return batch;
  throw new OpError(name, `looks at a batch of images: pass { batch: images } of shape [N, C, H, W]`);
}

/**
 * Send the batch through the model once, in evaluation mode and without a trace, and let `adapt` change each convolution and
 * linear layer as it is reached for the first time. It gets the layer's output and returns the output after the change, so that
 * later layers see it. Everything stays on the device.
 */
export function adaptLayers(model: Module, batch: Tensor, adapt: (layer: Conv2d | Linear, output: Tensor) => Tensor | undefined): void {
  const isFirst = firsts();
  const hook = (module: Module, { output }: { output: Tensor }): Tensor | undefined =>
    (module instanceof Conv2d || module instanceof Linear) && isFirst(module) ? adapt(module, output) : undefined;
  withoutTrace(model, () => withForwardHook(model, hook, () => void model.forward(batch)));
}

/** 1 / √v, and 1 where v is 0: a dead layer is left as it is. */
export const inverseDeviation = (variance: Tensor): Tensor => where(greater(variance, 0), rsqrt(variance), 1);

export const lsuv: InitializerEntry = {
  name: 'lsuv',
  description:
    'orthogonal with gain 1, biases 0, norms as they are; then every conv and linear, in order of execution, divided by its output’s standard deviation over one batch, in evaluation mode',
  source: 'Mishkin & Matas, arXiv:1511.06422',
  dataDependent: true,
  initialize: (model, options) => {
    const batch = batchOf('lsuv', options);
    for (const { weight } of drawnLayers(model)) orthogonal_(weight, { generator: options.generator });
    for (const layer of weightLayers(model)) {
      if (isWeightNormed(layer)) resetG(layer);
      if (layer.bias) zeros_(layer.bias);
    }
    for (const { weight, bias } of affineNorms(model)) {
      weight.set(new Float32Array(weight.size).fill(1));
      if (bias) zeros_(bias);
    }
    // A layer without bias is linear, so one division gives the unit variance the paper iterates for.
    const isFirst = firsts();
    adaptLayers(model, batch, (layer, y) => {
      // Standardisation takes every size out of its weights.
      if (layer instanceof WeightStandardisedConv2d || !isFirst(layer.weight)) return undefined;
      const factor = inverseDeviation(varMean(y, { correction: 0 }).variance);
      copyInto(layer.weight, mul(layer.weight, factor));
      // Of a weight-normalised layer g decides the size; ‖v‖ goes with it.
      if (isWeightNormed(layer)) copyInto(layer.weightG, mul(layer.weightG, factor));
      return mul(y, factor);
    });
  },
};

/** Per-channel statistics [C] of a layer's output [N, C, …]. */
export function channelMoments(y: Tensor): { mean: Tensor; variance: Tensor } {
  const dims = y.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  return varMean(y, { dims, correction: 0 });
}

/** (y − μ) · f per channel. */
export function rescaleChannels(y: Tensor, { mean: centre, factor }: { mean: Tensor; factor: Tensor }): Tensor {
  const shape = y.shape.map((d, i) => (i === 1 ? d : 1));
  return div(sub(y, reshape(centre, shape)), div(1, reshape(factor, shape)));
}
