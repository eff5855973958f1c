import {
  AllOrNothing,
  clamp,
  clipGradNorm,
  copyInto,
  HostValue,
  hostNumbers,
  mul,
  noGrad,
  OpError,
  scope,
  type Tensor,
} from '@initlab/core';
import { checkNumber, checkObject, checkOptions, guard, hyperNames, hyperNumbers } from '@initlab/core/internal';
import type { Run } from './missed-steps.js';
import { type CountedNumbers, OptimizerGroup } from './optimizer-group.js';
import { checkState, type OptimizerState } from './optimizer-state.js';
import {
  type CommonOptions,
  checkGroup,
  groupsOf,
  multiplierOf,
  type OptimizerParams,
  optionsOf,
  type ParameterGroup,
} from './parameter-groups.js';
import type { OptimizerKind } from './update-method.js';

/** What a loss scaler gives with a step. */
export interface LossScaleOptions {
  readonly lossScale?: Tensor | undefined;
}

/** The same with a step, and how to count those that were not skipped: it comes with the scaler, since few apps have one. */
export interface ScaledStepOptions extends LossScaleOptions {
  readonly counted?: CountedNumbers | undefined;
}

/**
 * Base of the optimisers. Parameters of a group are moved into one flat buffer, so a step is one dispatch a group (or one
 * for each run of neighbours, where parameters between them have no gradient). Works eagerly and inside `compile`, once or
 * more: the moments are state of the graph, and what changes from step to step (rate, bias corrections) each update has for
 * its own (`hostNumbers`).
 */
export abstract class Optimizer<Options extends CommonOptions = CommonOptions> {
  private readonly rate: HostValue;
  private readonly factor = new HostValue(1);
  private readonly taken = new HostValue(0);
  /** Another list for each new group, so that a step recorded with the former is known to be old. Gone after `dispose`. */
  private owned: readonly OptimizerGroup[] | undefined;
  private static readonly ownedOf = (optimizer: Optimizer): unknown => optimizer.owned;
  /** The rates that it was made with. */
  private readonly first: { readonly lr: number; readonly weightDecay: number };

  protected constructor(
    params: OptimizerParams<Options>,
    private readonly options: Options,
    private readonly kind: OptimizerKind<Options>,
  ) {
    checkObject('optimizer', 'options { lr, weightDecay }', options);
    checkObject('optimizer', 'what it is, { name, options, method }', kind);
    const { lr = kind.lr ?? Number.NaN, weightDecay = kind.weightDecay ?? 0 } = options;
    checkNumber(kind.name, { lr, weightDecay }, { from: 0 });
    kind.method(kind.name, options, []);
    this.first = { lr, weightDecay };
    this.rate = new HostValue(lr);
    // The parameters stay where they are until all of it is there.
    using whole = new AllOrNothing();
    const groups = groupsOf(params, kind.options).map((group, i) => this.groupOf(group, { index: i, stepsBefore: 0 }));
    for (const { flat } of groups) flat.move();
    this.owned = groups;
    whole.done();
  }

  private groupOf(group: ParameterGroup<Options>, { index, stepsBefore }: { index: number; stepsBefore: number }): OptimizerGroup {
    const { kind, options, first } = this;
    const { params, weightDecay = first.weightDecay } = group;
    const method = kind.method(`optimizer group ${index}`, optionsOf(group, options), params);
    const lrMultiplier = multiplierOf(group, { lr: first.lr, usual: method.lr });
    return new OptimizerGroup({ params, method, lrMultiplier, weightDecay, stepsBefore });
  }

  private get groups(): readonly OptimizerGroup[] {
    guard<Optimizer>(this, Optimizer.ownedOf);
    if (!this.owned) throw new OpError('optimizer', 'was disposed; make a new one of the same parameters');
    return this.owned;
  }

  /**
   * Takes further parameters (PyTorch's `add_param_group`), such as those of layers that are trained from now on. Their moments begin
   * now, and their updates count from 1. A step compiled before is recorded anew at its next call. Not inside a compiled function.
   */
  addParameterGroup(group: ParameterGroup<Options>): void {
    const { groups } = this;
    const seen = new Set(groups.flatMap(({ parameters }) => parameters));
    const index = groups.length;
    checkGroup(group, { index, seen, options: this.kind.options });
    using whole = new AllOrNothing();
    const made = this.groupOf(group, { index, stepsBefore: this.steps });
    made.flat.move();
    this.owned = [...groups, made];
    whole.done();
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

  /** Calls of `step` so far; a loss scaler may have skipped some. */
  get steps(): number {
    return this.taken.value;
  }

  /** The rate in force for each group. */
  get groupRates(): readonly number[] {
    return this.groups.map(({ lrMultiplier }) => this.lr * lrMultiplier);
  }

  /** Number of parameter groups. */
  get groupCount(): number {
    return this.groups.length;
  }

  /** Forget the gradients; the next backward stores instead of adding. */
  zeroGrad(): void {
    for (const { parameters } of this.groups) for (const p of parameters) p.zeroGrad();
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
    const gradients = this.flatGradients();
    const max = clipValue / this.gradScale;
    noGrad(() => {
      for (const flat of gradients) scope(() => copyInto(flat, clamp(flat, { min: -max, max })));
    });
  }

  /** All gradients of each group as one vector; zeros for parameters without one. */
  flatGradients(): Tensor[] {
    return this.groups.map((group) => {
      group.gather();
      group.clearMissing();
      return group.flat.gradients;
    });
  }

  /**
   * Update the parameters from their gradients. One that is frozen (`requiresGrad_(false)`) or has no gradient is left alone,
   * its moments too, as in PyTorch; a compiled step decides that when it is recorded. `lossScale` is a scaler's business:
   * see `LossScaler.step`.
   */
  step(options: ScaledStepOptions = {}): void {
    checkOptions('step', options, ['lossScale', 'counted']);
    const { groups } = this;
    for (const group of groups) group.gather();
    this.taken.change((steps) => steps + 1);
    for (const group of groups) for (const run of group.takeRuns()) scope(() => this.update(group, { run, ...options }));
  }

  private update(group: OptimizerGroup, { run, lossScale, counted }: ScaledStepOptions & { run: Run }): void {
    const { flat, method, moments, extra } = group;
    const hyper = this.numbers(group, { run, lossScale, counted });
    const [param, grad] = [flat.part(flat.values, run), flat.part(flat.gradients, run)];
    method.update({ param, grad, hyper, moments: moments.map((moment) => flat.part(moment, run)), lossScale, flat, run, extra });
  }

  /** Read the moments back (for a checkpoint). */
  async state(): Promise<OptimizerState> {
    const moments: Float32Array[][] = [];
    for (const group of this.groups) {
      const read: Float32Array[] = [];
      for (const moment of group.moments) read.push((await moment.read()) as Float32Array);
      moments.push(read);
    }
    const missed: number[][] = [];
    for (const { missed: of, skipped } of this.groups) {
      const more = await skipped?.read();
      missed.push(of.counts.map((steps, i) => steps + (more?.[i] ?? 0)));
    }
    const some = missed.some((group) => group.some((steps) => steps > 0));
    const groups = this.groups.map(({ layout }) => layout);
    return { steps: this.steps, lr: this.lr, moments, ...(some ? { missed } : {}), groups };
  }

  /** Continue from a saved state. Throws when it is another optimiser's. */
  loadState(saved: OptimizerState): void {
    checkState(saved, this.groups);
    const { steps, lr, moments, missed } = saved;
    this.taken.value = steps;
    this.lr = lr;
    this.groups.forEach((group, i) => {
      group.moments.forEach((moment, k) => {
        moment.set(moments[i]?.[k] as ArrayLike<number>);
      });
      group.missed.set(missed?.[i] ?? []);
      group.skipped?.set(new Float32Array(group.skipped.size));
    });
  }

  /** For `JSON.stringify`: what it is and where it stands; `saveOptimizer` writes its moments. */
  toJSON(): { optimizer: string; lr: number; steps: number; parameters: number } {
    const parameters = (this.owned ?? []).reduce((count, { parameters: list }) => count + list.length, 0);
    return { optimizer: this.constructor.name, lr: this.lr, steps: this.steps, parameters };
  }

  /** Free the moments and let the parameters go: they keep values and gradients, and another optimiser may take them. */
  dispose(): void {
    for (const group of this.owned ?? []) group.dispose();
    this.owned = undefined;
  }

  /** What an update reads. */
  private numbers(group: OptimizerGroup, { run: { from, to }, lossScale, counted }: ScaledStepOptions & { run: Run }): Tensor {
    const { missed, skipped, lrMultiplier, weightDecay, flat } = group;
    const { rule } = group.method;
    const now = (): Parameters<typeof hyperNumbers>[1] => ({
      lr: this.lr * lrMultiplier,
      decay: weightDecay,
      gradScale: this.gradScale,
      updates: this.steps - (missed.counts[from] ?? 0),
    });
    const onDevice = skipped && group.countedBy(counted);
    if (onDevice) return onDevice(rule, { skipped, lossScale, first: from, end: to }, now);
    const { device } = flat.values;
    const count = hyperNames(rule).length;
    return hostNumbers({ device, count, dtype: 'f32', label: 'optimiser numbers' }, () => hyperNumbers(rule, now()));
  }
}
