import {
  clamp,
  clipGradNorm,
  copyInto,
  FlatParameters,
  mul,
  noGrad,
  type OptimizerRule,
  onEachStep,
  optimizerUpdate,
  scope,
  Tensor,
  zeros,
} from '@initlab/core';

/** Parameters that share their rates. */
export interface ParameterGroup {
  readonly params: readonly Tensor[];
  /** Times the optimiser's rate; default 1. */
  readonly lrMultiplier?: number;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
}

interface Group {
  readonly flat: FlatParameters;
  readonly state: readonly Tensor[];
  readonly hyper: Tensor;
  readonly lrMultiplier: number;
  readonly weightDecay: number;
}

/** Everything an optimiser needs to go on where it stood, besides the parameters. */
export interface OptimizerState {
  readonly steps: number;
  readonly lr: number;
  /** Moments of each group, flat. */
  readonly moments: readonly (readonly Float32Array[])[];
}

/**
 * Base of the optimisers. Parameters of a group are moved into one flat buffer, so a step is one dispatch a group.
 * Works eagerly and inside `compile`: the moments are state of the graph, and what changes from step to step (rate,
 * bias corrections) is written to a small buffer before every step or replay.
 */
export abstract class Optimizer {
  /** Learning rate; may be set at any time, also between replays of a compiled step. */
  lr: number;
  /** Multiplies every gradient (1 / number of accumulated mini-batches, or of the loss scale). */
  gradScale = 1;
  private taken = 0;
  private readonly groups: readonly Group[];

  protected constructor(
    params: readonly Tensor[] | readonly ParameterGroup[],
    readonly rule: OptimizerRule,
    options: { lr: number; weightDecay: number; moments: readonly string[] },
  ) {
    if (!(options.lr >= 0)) throw new RangeError(`optimizer: lr ${options.lr} is not a number from 0`);
    if (!(options.weightDecay >= 0)) throw new RangeError(`optimizer: weightDecay ${options.weightDecay} is not a number from 0`);
    this.lr = options.lr;
    const groups = params[0] instanceof Tensor ? [{ params: params as readonly Tensor[] }] : (params as readonly ParameterGroup[]);
    checkGroups(groups);
    this.groups = groups.map((group: ParameterGroup) => {
      const flat = new FlatParameters(group.params);
      return {
        flat,
        state: options.moments.map((name) => flat.moments(name)),
        hyper: Tensor.allocate(flat.values.device, { shape: [6], dtype: 'f32', format: 'rowMajor' }, 'optimiser numbers'),
        lrMultiplier: group.lrMultiplier ?? 1,
        weightDecay: group.weightDecay ?? options.weightDecay,
      };
    });
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.taken;
  }

  /** Number of parameter groups. */
  get groupCount(): number {
    return this.groups.length;
  }

  /** Forget the gradients; the next backward stores instead of adding. */
  zeroGrad(): void {
    for (const { flat } of this.groups)
      for (const p of flat.parameters) {
        // One from before this optimiser took the parameter is the parameter's own.
        if (p.grad !== p.gradSlot) p.grad?.dispose();
        p.grad = undefined;
      }
  }

  /**
   * Scale all gradients so that their norm together is at most `maxNorm`, and return the norm [1] they had (PyTorch's
   * `clip_grad_norm_` over the optimiser's parameters). Call between backward and `step`; both norms are those of the
   * gradients times `gradScale`, so accumulated mini-batches are clipped as their mean. Up to eight parameter groups.
   * `lossScale` is a scaler's business: see `LossScaler.step`.
   */
  clipGradNorm(maxNorm: number, { lossScale }: { lossScale?: Tensor | undefined } = {}): Tensor {
    const norm = clipGradNorm(this.flatGradients(), { maxNorm: maxNorm / this.gradScale, lossScale });
    return this.gradScale === 1 ? norm : mul(norm, this.gradScale);
  }

  /**
   * Keep every element of the gradients within ±`clipValue`, counted after `gradScale` (PyTorch's `clip_grad_value_`).
   * Call between backward and `step`.
   */
  clipGradValue(clipValue: number): void {
    if (!(clipValue > 0 && Number.isFinite(clipValue))) throw new RangeError(`clipGradValue: ${clipValue} is not a positive number`);
    this.clearMissing();
    const max = clipValue / this.gradScale;
    noGrad(() => {
      for (const { flat } of this.groups) scope(() => copyInto(flat.gradients, clamp(flat.gradients, { min: -max, max })));
    });
  }

  /** All gradients of each group as one vector; zeros for parameters without one. */
  flatGradients(): Tensor[] {
    this.clearMissing();
    return this.groups.map(({ flat }) => flat.gradients);
  }

  /**
   * Update all parameters from their gradients. A parameter without one counts as having a gradient of zero. `lossScale` is a
   * scaler's business: see `LossScaler.step`.
   */
  step({ lossScale }: { lossScale?: Tensor | undefined } = {}): void {
    onEachStep(() => this.writeNumbers());
    this.clearMissing();
    for (const { flat, hyper, state } of this.groups)
      optimizerUpdate(this.rule, { param: flat.values, grad: flat.gradients, hyper, state, lossScale });
  }

  /** Read the moments back (for a checkpoint). */
  async state(): Promise<OptimizerState> {
    const moments: Float32Array[][] = [];
    for (const { state } of this.groups) {
      const read: Float32Array[] = [];
      for (const moment of state) read.push((await moment.read()) as Float32Array);
      moments.push(read);
    }
    return { steps: this.taken, lr: this.lr, moments };
  }

  /** Continue from a saved state. Throws when it is another optimiser's. */
  loadState({ steps, lr, moments }: OptimizerState): void {
    const fits =
      moments.length === this.groups.length &&
      this.groups.every((g, i) => moments[i]?.length === g.state.length && g.state.every((s, k) => s.size === moments[i]?.[k]?.length));
    if (!fits) throw new Error('optimizer: the saved state belongs to other parameters or another optimiser');
    this.taken = steps;
    this.lr = lr;
    this.groups.forEach((g, i) => {
      g.state.forEach((s, k) => {
        s.set(moments[i]?.[k] as Float32Array);
      });
    });
  }

  /** Free the moments and let the parameters go: they keep values and gradients, and another optimiser may take them. */
  dispose(): void {
    for (const { flat, state, hyper } of this.groups) {
      flat.dispose();
      for (const moment of state) moment.dispose();
      hyper.dispose();
    }
  }

  /** A parameter that got no gradient this time keeps none of an earlier step. */
  private clearMissing(): void {
    noGrad(() => {
      for (const { flat } of this.groups)
        for (const p of flat.parameters)
          if (!p.grad && p.gradSlot) scope(() => copyInto(p.gradSlot as Tensor, zeros(p.shape, { device: p.device })));
    });
  }

  /** The order is `hyperNames` of the kernels. */
  private writeNumbers(): void {
    const first = this.taken === 0 ? 1 : 0;
    this.taken++;
    const adam = this.rule.kind === 'sgd' ? undefined : this.rule;
    const bias1 = adam ? 1 - adam.beta1 ** this.taken : 1;
    const bias2 = adam ? Math.sqrt(1 - adam.beta2 ** this.taken) : 1;
    for (const { hyper, lrMultiplier, weightDecay } of this.groups)
      hyper.set([this.lr * lrMultiplier, weightDecay, bias1, bias2, first, this.gradScale]);
  }
}

function checkGroups(groups: readonly ParameterGroup[]): void {
  if (groups.length === 0) throw new Error('optimizer: got no parameters; give model.parameters() or parameter groups');
  const seen = new Set<Tensor>();
  for (const [i, { params, lrMultiplier = 1, weightDecay = 0 }] of groups.entries()) {
    if (!params?.length) throw new Error(`optimizer: group ${i} has no parameters; groups are { params, lrMultiplier, weightDecay }`);
    if (!(lrMultiplier >= 0)) throw new RangeError(`optimizer: lrMultiplier ${lrMultiplier} of group ${i} is not a number from 0`);
    if (!(weightDecay >= 0)) throw new RangeError(`optimizer: weightDecay ${weightDecay} of group ${i} is not a number from 0`);
    for (const p of params) {
      if (seen.has(p)) throw new Error(`optimizer: a parameter [${p.shape.join(', ')}] is listed twice, in group ${i} at last`);
      seen.add(p);
    }
  }
}
