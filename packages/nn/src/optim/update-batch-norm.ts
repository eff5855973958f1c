import { noGrad, OpError, scope, Tensor } from '@initlab/core';
import { currentRecorder, showValue } from '@initlab/core/internal';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { checkModule, type Module } from '../module/module.js';

/**
 * Give a model's batch norms the statistics of its present parameters (PyTorch's `swa_utils.update_bn`): the mean over all batches
 * sent through it in training mode, without gradients. An average of weights needs it, since its activations are none that training
 * saw. Modes are then what they were. `batches` gives what `forward` takes, one after another, such as a generator that reads
 * `train.batch(index).images` and disposes of them after its `yield`. Not inside a compiled function.
 *
 * ```ts
 * updateBatchNorm(averaged, batches());
 * ```
 */
export function updateBatchNorm(model: Module, batches: Iterable<Tensor>): void {
  const op = 'updateBatchNorm';
  checkModule(op, model);
  if (typeof batches?.[Symbol.iterator] !== 'function' || batches instanceof Tensor)
    throw new OpError(op, `takes batches as a list or a generator of tensors, got ${showValue(batches)}; of one batch give [images]`);
  if (currentRecorder())
    throw new OpError(
      op,
      'a compiled function runs its JavaScript once, and so would begin the statistics anew once; call it between steps',
    );
  const norms = model.modules().filter((layer) => layer instanceof BatchNorm2d);
  if (norms.length === 0) return;
  const modes = model.modules().map((module) => [module, module.training] as const);
  // Only here a norm averages for a while and then goes on as before; for all others its momentum is fixed.
  const settings: { momentum: number | null }[] = norms;
  const momenta = norms.map(({ momentum }) => momentum);
  for (const layer of norms) {
    layer.runningMean?.set(new Float32Array(layer.numFeatures));
    layer.runningVar?.set(new Float32Array(layer.numFeatures).fill(1));
    layer.numBatchesTracked = 0;
  }
  for (const layer of settings) layer.momentum = null;
  model.train();
  try {
    for (const batch of batches) {
      if (!(batch instanceof Tensor)) throw new OpError(op, `a batch is ${showValue(batch)}; give tensors that the model’s forward takes`);
      noGrad(() => scope(() => void model.forward(batch)));
    }
  } finally {
    for (const [i, layer] of settings.entries()) layer.momentum = momenta[i] ?? null;
    for (const [module, mode] of modes) module.training = mode;
  }
}
