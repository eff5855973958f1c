import { AllOrNothing, add, copyInto, div, equal, mul, noGrad, OpError, onEachStep, scope, sub, type Tensor, where } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, showShape } from '@initlab/core/internal';
import { BatchNorm2d } from '../layers/batch-norm.js';
import { checkModule, Module } from '../module/module.js';
import { stateTensor } from '../module/parameter.js';

/** Options of `AveragedModel`. */
export interface AveragedModelOptions {
  /**
   * Share of the average that stays at an update, from 0 below 1: an exponential moving average. Without it all models that were given
   * count alike (stochastic weight averaging).
   */
  readonly decay?: number | undefined;
  /** Average buffers (running statistics), too, and not only keep them as the model's are. Default false. */
  readonly useBuffers?: boolean | undefined;
}

/**
 * The average of a model's parameters over its training (PyTorch's `optim.swa_utils.AveragedModel`; arXiv:1803.05407), on the device.
 * `module`, which is called as the average, is a model of its own, built as the other (or its `deepCopy`): its first values do not matter, since the first
 * update copies. Use `updateBatchNorm` before evaluating an average of weights, whose norms have other statistics. Updates run eagerly
 * and inside `compile`; a checkpoint has them by the state dict, whose names are PyTorch's.
 *
 * ```ts
 * const averaged = new AveragedModel(createModel('resnet20'));
 * // after a step, or an epoch:
 * averaged.updateParameters(model);
 * ```
 */
export class AveragedModel extends Module {
  /** Models in the average so far, [] (a buffer: saved with the parameters). */
  readonly nAveraged: Tensor;
  private readonly decay: number | undefined;
  private readonly useBuffers: boolean;

  constructor(
    readonly module: Module,
    options: AveragedModelOptions = {},
  ) {
    super();
    checkModule('AveragedModel', module);
    checkOptions('AveragedModel', options, ['decay', 'useBuffers']);
    const { decay, useBuffers = false } = options;
    if (decay !== undefined) checkNumber('AveragedModel', { decay }, { from: 0, below: 1 });
    checkFlags('AveragedModel', { useBuffers });
    const [first] = module.stateDict().values();
    if (!first) throw new OpError('AveragedModel', 'the model has neither parameters nor buffers, so there is nothing to average');
    using whole = new AllOrNothing();
    this.decay = decay;
    this.useBuffers = useBuffers;
    this.nAveraged = stateTensor([], { device: first.device });
    whole.done();
  }

  override forward(x: Tensor): Tensor {
    return this.module.forward(x);
  }

  /** Takes the model as it is now into the average. */
  updateParameters(model: Module): void {
    const { module, nAveraged, decay, useBuffers } = this;
    const pairs = pairsOf(module, model);
    noGrad(() =>
      scope(() => {
        // The first model counts in full.
        const fresh = decay === undefined ? div(1, add(nAveraged, 1)) : where(equal(nAveraged, 0), 1, 1 - decay);
        const stays = sub(1, fresh);
        const alone = equal(fresh, 1);
        // Not 0 times what the average was: that may be infinite, or no number.
        const mixed = (average: Tensor, now: Tensor): Tensor => where(alone, now, add(mul(average, stays), mul(now, fresh)));
        for (const { average, now, buffer } of pairs)
          scope(() => copyInto(average, buffer && !useBuffers ? mul(now, 1) : mixed(average, now)));
        copyInto(nAveraged, add(nAveraged, 1));
      }),
    );
    keepCounters(module, model);
  }
}

/** Options of `ExponentialMovingAverage`. */
export interface EmaOptions extends AveragedModelOptions {
  /** Default 0.999. */
  readonly decay?: number | undefined;
}

/** The exponential moving average of a model (PyTorch's `AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay))`). */
export class ExponentialMovingAverage extends AveragedModel {
  constructor(module: Module, options: EmaOptions = {}) {
    checkOptions('ExponentialMovingAverage', options, ['decay', 'useBuffers']);
    super(module, { ...options, decay: options.decay ?? 0.999 });
  }
}

interface Pair {
  readonly average: Tensor;
  readonly now: Tensor;
  readonly buffer: boolean;
}

/** What is averaged with what. Throws where the models are not built alike, before anything is done. */
function pairsOf(module: Module, model: Module): Pair[] {
  checkModule('updateParameters', model);
  const refuse = (why: string): never => {
    throw new OpError('updateParameters', `${why}; the average is of a model built as the one it is given`);
  };
  const kinds = (of: Module): (readonly [string, Tensor, boolean])[] => [
    ...[...of.namedParameters()].map(([name, x]) => [name, x, false] as const),
    ...[...of.namedBuffers()].map(([name, x]) => [name, x, true] as const),
  ];
  const given = kinds(model);
  const pairs = kinds(module).map(([name, average, buffer], i): Pair => {
    const [other, now = average] = given[i] ?? [];
    if (other !== name) refuse(`the average has ${name} where the model has ${other ?? 'nothing more'}`);
    if (now === average) refuse(`${name} is the average’s own: it was given its own model`);
    if (showShape(now.shape) !== showShape(average.shape))
      refuse(`${name} is ${showShape(average.shape)} in the average and ${showShape(now.shape)} in the model`);
    return { average, now, buffer };
  });
  if (given.length > pairs.length) refuse(`the model has ${given[pairs.length]?.[0]}, which the average has not`);
  return pairs;
}

/** Batch norms' counters, which are no tensors, are the model's. */
function keepCounters(module: Module, model: Module): void {
  const norms = (of: Module): BatchNorm2d[] => of.modules().filter((layer) => layer instanceof BatchNorm2d);
  const sources = norms(model);
  onEachStep(() => {
    for (const [i, layer] of norms(module).entries()) layer.numBatchesTracked = sources[i]?.numBatchesTracked ?? 0;
  });
}
