import {
  AllOrNothing,
  checkNumber,
  checkObject,
  checkOptions,
  clamp,
  clipGradNorm,
  copyInto,
  FlatParameters,
  hostNumbers,
  HostValue,
  mul,
  noGrad,
  OpError,
  type OptimizerRule,
  optimizerUpdate,
  scope,
  type Tensor,
  zeros,
} from '@initlab/core';
import { checkState, type OptimizerState } from './optimizer-state.js';
import { MissedSteps, type Run } from './missed-steps.js';
import { groupsOf, type ParameterGroup } from './parameter-groups.js';

interface Group {
  readonly flat: FlatParameters;
  readonly state: readonly Tensor[];
  readonly missed: MissedSteps;
  readonly lrMultiplier: number;
  readonly weightDecay: number;
}

/** What a loss scaler gives with a step. */
export interface LossScaleOptions {
  readonly lossScale?: Tensor | undefined;
}

/**
 * Base of the optimisers. Parameters of a group are moved into one flat buffer, so a step is one dispatch a group (or one
 * for each run of neighbours, where parameters between them have no gradient). Works eagerly and inside `compile`, once or
 * more: the moments are state of the graph, and what changes from step to step (rate, bias corrections) each update has for
 * its own (`hostNumbers`).
 */
export abstract class Optimizer {
  private readonly rate: HostValue;
  private readonly factor = new HostValue(1);
  private readonly taken = new HostValue(0);
  /** Gone after `dispose`. */
  private owned: readonly Group[] | undefined;

  protected constructor(
    params: readonly Tensor[] | readonly ParameterGroup[],
    readonly rule: OptimizerRule,
    options: { lr: number; weightDecay: number; moments: readonly string[] },
  ) {
    checkObject('optimizer', 'options { lr, weightDecay, moments }', options);
    const { lr, weightDecay } = options;
    checkNumber('optimizer', { lr, weightDecay }, { from: 0 });
    this.rate = new HostValue(options.lr);
    // The parameters stay where they are until all of it is there.
    using whole = new AllOrNothing();
    this.owned = groupsOf(params).map((group) => {
      const flat = new FlatParameters(group.params, { later: true });
      return {
        flat,
        state: options.moments.map((name) => flat.moments(name)),
        missed: new MissedSteps(group.params.length),
        lrMultiplier: group.lrMultiplier ?? 1,
        weightDecay: group.weightDecay ?? options.weightDecay,
      };
    });
    for (const { flat } of this.owned) flat.move();
    whole.done();
  }

  private get groups(): readonly Group[] {
    if (!this.owned) throw new OpError('optimizer', 'was disposed; make a new one of the same parameters');
    return this.owned;
  }

  /**
   * Learning rate; may be set at any time, also between calls of a compiled step. One that a compiled function sets is set at
   * every call, to the number it was when recorded; one that it reads makes the recording serve that rate only.
   */
  get lr(): number {
    return this.rate.value;
  }
  set lr(lr: number) {
    checkNumber('optimizer', { lr }, { from: 0 });
    this.rate.value = lr;
  }

  /** Multiplies every gradient (1 / number of accumulated mini-batches, or of the loss scale). */
  get gradScale(): number {
    return this.factor.value;
  }
  set gradScale(scale: number) {
    checkNumber('optimizer', { gradScale: scale }, { above: 0 });
    this.factor.value = scale;
  }

  /** Steps taken so far. */
  get steps(): number {
    return this.taken.value;
  }

  /** Number of parameter groups. */
  get groupCount(): number {
    return this.groups.length;
  }

  /** Forget the gradients; the next backward stores instead of adding. */
  zeroGrad(): void {
    for (const { flat } of this.groups) for (const p of flat.parameters) p.zeroGrad();
  }

  /**
   * Scale all gradients so that their norm together is at most `maxNorm`, and return the norm [1] they had (PyTorch's
   * `clip_grad_norm_` over the optimiser's parameters). Call between backward and `step`; both norms are those of the
   * gradients times `gradScale`, so accumulated mini-batches are clipped as their mean. `maxNorm` Infinity measures only: the
   * gradients stay as they are. `lossScale` is a scaler's business: see `LossScaler.step`.
   */
  clipGradNorm(maxNorm: number, options: LossScaleOptions = {}): Tensor {
    checkOptions('clipGradNorm', options, ['lossScale']);
    checkNumber('clipGradNorm', { maxNorm }, { above: 0, to: Number.POSITIVE_INFINITY });
    const norm = clipGradNorm(this.flatGradients(), { maxNorm: maxNorm / this.gradScale, lossScale: options.lossScale });
    return this.gradScale === 1 ? norm : mul(norm, this.gradScale);
  }

  /**
   * Keep every element of the gradients within ±`clipValue`, counted after `gradScale` (PyTorch's `clip_grad_value_`).
   * Call between backward and `step`.
   */
  clipGradValue(clipValue: number): void {
    checkNumber('clipGradValue', { clipValue }, { above: 0 });
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
   * Update the parameters from their gradients. One that is frozen (`requiresGrad_(false)`) or has no gradient is left alone,
   * its moments too, as in PyTorch; a compiled step decides that when it is recorded. `lossScale` is a scaler's business:
   * see `LossScaler.step`.
   */
  step(options: LossScaleOptions = {}): void {
    checkOptions('step', options, ['lossScale']);
    const { lossScale } = options;
    this.gather();
    this.taken.change((steps) => steps + 1);
    for (const group of this.groups) {
      const { flat, state, missed } = group;
      const has = flat.parameters.map(hasGradient);
      const runs = missed.runs(has);
      if (this.countsSteps) missed.skip(has);
      for (const run of runs)
        scope(() => {
          const device = flat.values.device;
          const hyper = hostNumbers({ device, count: 6, dtype: 'f32', label: 'optimiser numbers' }, () => this.numbers(group, run));
          const [param, grad] = [flat.part(flat.values, run), flat.part(flat.gradients, run)];
          optimizerUpdate(this.rule, { param, grad, hyper, state: state.map((moment) => flat.part(moment, run)), lossScale });
        });
    }
  }

  /** Read the moments back (for a checkpoint). */
  async state(): Promise<OptimizerState> {
    const moments: Float32Array[][] = [];
    for (const { state } of this.groups) {
      const read: Float32Array[] = [];
      for (const moment of state) read.push((await moment.read()) as Float32Array);
      moments.push(read);
    }
    const missed = this.groups.map((group) => [...group.missed.counts]);
    const some = missed.some((group) => group.some((steps) => steps > 0));
    return { steps: this.steps, lr: this.lr, moments, ...(some ? { missed } : {}) };
  }

  /** Continue from a saved state. Throws when it is another optimiser's. */
  loadState(saved: OptimizerState): void {
    checkState(saved, this.groups);
    const { steps, lr, moments, missed } = saved;
    this.taken.value = steps;
    this.lr = lr;
    this.groups.forEach((group, i) => {
      group.state.forEach((moment, k) => {
        moment.set(moments[i]?.[k] as ArrayLike<number>);
      });
      group.missed.set(missed?.[i] ?? []);
    });
  }

  /** For `JSON.stringify`: what it is and where it stands; `saveOptimizer` writes its moments. */
  toJSON(): { optimizer: string; lr: number; steps: number; parameters: number } {
    const parameters = (this.owned ?? []).reduce((count, { flat }) => count + flat.parameters.length, 0);
    return { optimizer: this.constructor.name, lr: this.lr, steps: this.steps, parameters };
  }

  /** Free the moments and let the parameters go: they keep values and gradients, and another optimiser may take them. */
  dispose(): void {
    for (const { flat, state } of this.owned ?? []) {
      flat.dispose();
      for (const moment of state) moment.dispose();
    }
    this.owned = undefined;
  }

  /** Gradients that lie elsewhere (made before this optimiser, or set by hand) move to the flat buffer. */
  private gather(): void {
    noGrad(() =>
      scope(() => {
        for (const { flat } of this.groups)
          for (const p of flat.parameters) {
            if (!p.grad || !p.gradSlot || p.grad === p.gradSlot) continue;
            copyInto(p.gradSlot, p.grad);
            p.grad.dispose();
            p.grad = p.gradSlot;
          }
      }),
    );
  }

  /** What looks at all gradients together finds none of an earlier step in those that have none now. */
  private clearMissing(): void {
    this.gather();
    noGrad(() => {
      for (const { flat } of this.groups)
        for (const p of flat.parameters)
          if (!hasGradient(p) && p.gradSlot) scope(() => copyInto(p.gradSlot as Tensor, zeros(p.shape, { device: p.device })));
    });
  }

  /** Whether it matters how many updates a parameter had: for bias corrections, and dampening, which the first is spared. */
  private get countsSteps(): boolean {
    return this.rule.kind !== 'sgd' || this.rule.dampening !== 0;
  }

  /** The order is `hyperNames` of the kernels. */
  private numbers({ missed, lrMultiplier, weightDecay }: Group, { from }: Run): number[] {
    const updates = this.steps - (missed.counts[from] ?? 0);
    const adam = this.rule.kind === 'sgd' ? undefined : this.rule;
    const bias1 = adam ? 1 - adam.beta1 ** updates : 1;
    const bias2 = adam ? Math.sqrt(1 - adam.beta2 ** updates) : 1;
    return [this.lr * lrMultiplier, weightDecay, bias1, bias2, updates === 1 ? 1 : 0, this.gradScale];
  }
}

/** PyTorch's optimisers skip what is frozen or was given no gradient. */
const hasGradient = (p: Tensor): boolean => p.requiresGrad && p.grad !== undefined;
