import {
  clamp,
  clipGradNorm,
  copyInto,
  FlatParameters,
  mul,
  noGrad,
  type OptimizerRule,
  OpError,
  onEachStep,
  optimizerUpdate,
  scope,
  Tensor,
  zeros,
} from '@initlab/core';
import { groupsOf, type ParameterGroup } from './parameter-groups.js';

interface Group {
  readonly flat: FlatParameters;
  readonly state: readonly Tensor[];
  /** Numbers of an update, by the first parameter of the run that it updates. */
  readonly hyper: Map<number, Tensor>;
  /** Steps each parameter had no part in, for Adam's bias corrections. */
  readonly missed: number[];
  readonly lrMultiplier: number;
  readonly weightDecay: number;
}

/**
 * Everything an optimiser needs to go on where it stood, besides the parameters. JSON makes something else of its arrays:
 * `saveOptimizer` makes a file of it.
 */
export interface OptimizerState {
  /** Calls of `step` so far. */
  readonly steps: number;
  /** Learning rate in force. */
  readonly lr: number;
  /** Moments of each group, flat. */
  readonly moments: readonly (readonly ArrayLike<number>[])[];
  /** Steps that each parameter of each group had no part in; absent when all had part in all. */
  readonly missed?: readonly (readonly number[])[] | undefined;
}

/** Parameters from index `from` up to `to` of a group. */
interface Run {
  readonly from: number;
  readonly to: number;
}

/**
 * Base of the optimisers. Parameters of a group are moved into one flat buffer, so a step is one dispatch a group (or one
 * for each run of neighbours, where parameters between them have no gradient). Works eagerly and inside `compile`: the
 * moments are state of the graph, and what changes from step to step (rate, bias corrections) is written to a small buffer
 * before every step or replay.
 */
export abstract class Optimizer {
  /** Learning rate; may be set at any time, also between replays of a compiled step. */
  lr: number;
  /** Multiplies every gradient (1 / number of accumulated mini-batches, or of the loss scale). */
  gradScale = 1;
  private taken = 0;
  /** Gone after `dispose`. */
  private owned: readonly Group[] | undefined;

  protected constructor(
    params: readonly Tensor[] | readonly ParameterGroup[],
    readonly rule: OptimizerRule,
    options: { lr: number; weightDecay: number; moments: readonly string[] },
  ) {
    if (!(options.lr >= 0)) throw new RangeError(`optimizer: lr ${options.lr} is not a number from 0`);
    if (!(options.weightDecay >= 0)) throw new RangeError(`optimizer: weightDecay ${options.weightDecay} is not a number from 0`);
    this.lr = options.lr;
    this.owned = groupsOf(params).map((group) => {
      const flat = new FlatParameters(group.params);
      return {
        flat,
        state: options.moments.map((name) => flat.moments(name)),
        hyper: new Map(),
        missed: group.params.map(() => 0),
        lrMultiplier: group.lrMultiplier ?? 1,
        weightDecay: group.weightDecay ?? options.weightDecay,
      };
    });
  }

  private get groups(): readonly Group[] {
    if (!this.owned) throw new OpError('optimizer', 'was disposed; make a new one of the same parameters');
    return this.owned;
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
    for (const { flat } of this.groups) for (const p of flat.parameters) p.zeroGrad();
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
   * Update the parameters from their gradients. One that is frozen (`requiresGrad_(false)`) or has no gradient is left alone,
   * its moments too, as in PyTorch; a compiled step decides that when it is recorded. `lossScale` is a scaler's business:
   * see `LossScaler.step`.
   */
  step({ lossScale }: { lossScale?: Tensor | undefined } = {}): void {
    this.gather();
    onEachStep(() => {
      this.taken++;
    });
    for (const group of this.groups) {
      const { flat, state, missed } = group;
      const skipped = flat.parameters.flatMap((p, i) => (hasGradient(p) ? [] : [i]));
      const runs = runsOf(group);
      if (skipped.length > 0 && this.countsSteps)
        onEachStep(() => {
          for (const i of skipped) missed[i] = (missed[i] ?? 0) + 1;
        });
      for (const run of runs) {
        const hyper = this.hyperOf(group, run);
        onEachStep(() => this.writeNumbers(group, run));
        scope(() => {
          const [param, grad] = [flat.part(flat.values, run), flat.part(flat.gradients, run)];
          optimizerUpdate(this.rule, { param, grad, hyper, state: state.map((moment) => flat.part(moment, run)), lossScale });
        });
      }
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
    const missed = this.groups.map((group) => [...group.missed]);
    const some = missed.some((group) => group.some((steps) => steps > 0));
    return { steps: this.taken, lr: this.lr, moments, ...(some ? { missed } : {}) };
  }

  /** Continue from a saved state. Throws when it is another optimiser's. */
  loadState(saved: OptimizerState): void {
    const { steps, lr, moments, missed } = saved ?? {};
    if (!Number.isInteger(steps) || !(lr >= 0) || !Array.isArray(moments))
      throw new OpError('loadState', 'takes what an optimiser’s state() gave; loadOptimizer reads a file of saveOptimizer');
    const sizes = (group: readonly { readonly size?: number; readonly length?: number }[] | undefined): string =>
      `[${group?.map((moment) => moment.size ?? moment.length).join(', ') ?? ''}]`;
    this.groups.forEach((group, i) => {
      const there = moments[i] as OptimizerState['moments'][number] | undefined;
      if (there?.some((moment) => moment.length === undefined))
        throw new OpError(
          'loadState',
          'the moments are no arrays of numbers, which JSON makes of them; use saveOptimizer and loadOptimizer',
        );
      if (sizes(there) !== sizes(group.state) || moments.length !== this.groups.length)
        throw new OpError(
          'loadState',
          `the saved state belongs to other parameters or another optimiser: ${moments.length} groups, moments of group ${i} ${sizes(there)}; here ${this.groups.length} and ${sizes(group.state)}`,
        );
    });
    this.taken = steps;
    this.lr = lr;
    this.groups.forEach((group, i) => {
      group.state.forEach((moment, k) => {
        moment.set(moments[i]?.[k] as ArrayLike<number>);
      });
      group.missed.forEach((_, k) => {
        group.missed[k] = missed?.[i]?.[k] ?? 0;
      });
    });
  }

  /** Free the moments and let the parameters go: they keep values and gradients, and another optimiser may take them. */
  dispose(): void {
    for (const { flat, state, hyper } of this.owned ?? []) {
      flat.dispose();
      for (const tensor of [...state, ...hyper.values()]) tensor.dispose();
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

  private hyperOf({ flat, hyper }: Group, { from }: Run): Tensor {
    let numbers = hyper.get(from);
    if (!numbers) {
      numbers = Tensor.allocate(flat.values.device, { shape: [6], dtype: 'f32', format: 'rowMajor' }, 'optimiser numbers');
      hyper.set(from, numbers);
    }
    return numbers;
  }

  /** The order is `hyperNames` of the kernels. */
  private writeNumbers({ hyper, missed, lrMultiplier, weightDecay }: Group, { from }: Run): void {
    const updates = this.taken - (missed[from] ?? 0);
    const adam = this.rule.kind === 'sgd' ? undefined : this.rule;
    const bias1 = adam ? 1 - adam.beta1 ** updates : 1;
    const bias2 = adam ? Math.sqrt(1 - adam.beta2 ** updates) : 1;
    hyper.get(from)?.set([this.lr * lrMultiplier, weightDecay, bias1, bias2, updates === 1 ? 1 : 0, this.gradScale]);
  }
}

/** PyTorch's optimisers skip what is frozen or was given no gradient. */
const hasGradient = (p: Tensor): boolean => p.requiresGrad && p.grad !== undefined;

/** Neighbours with a gradient that had as many updates: one dispatch each. All in one, as a rule. */
function runsOf({ flat: { parameters }, missed }: Group): Run[] {
  const runs: { from: number; to: number }[] = [];
  for (const [i, p] of parameters.entries()) {
    if (!hasGradient(p)) continue;
    const last = runs.at(-1);
    if (last?.to === i && missed[i] === missed[last.from]) last.to = i + 1;
    else runs.push({ from: i, to: i + 1 });
  }
  return runs;
}
