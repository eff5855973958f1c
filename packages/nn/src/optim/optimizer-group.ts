import { AllOrNothing, copyInto, FlatParameters, noGrad, scope, Tensor, zeros } from '@initlab/core';
import { guard, type takenNumbers } from '@initlab/core/internal';
import { MissedSteps, type Run } from './missed-steps.js';
import type { GroupLayout } from './optimizer-state.js';
import type { UpdateMethod } from './update-method.js';

/** How a loss scaler has updates counted. */
export type CountedNumbers = typeof takenNumbers;

/** What a group of parameters is made of. */
export interface OptimizerGroupParts {
  readonly params: readonly Tensor[];
  readonly method: UpdateMethod;
  readonly lrMultiplier: number;
  readonly weightDecay: number;
  /** Steps that the optimiser made before. */
  readonly stepsBefore: number;
}

/** A group's parameters, gradients and moments, each in one flat buffer. They come there by `flat.move()`. */
export class OptimizerGroup {
  readonly flat: FlatParameters;
  readonly method: UpdateMethod;
  /** The rule's, in order. */
  readonly moments: readonly Tensor[];
  /** What the method needs besides. */
  readonly extra: readonly Tensor[];
  readonly missed: MissedSteps;
  /** Updates of each parameter that a loss scaler skipped; where the rule does not count, none are kept. */
  readonly skipped: Tensor | undefined;
  private readonly scaler: { counted?: CountedNumbers } = {};
  readonly lrMultiplier: number;
  readonly weightDecay: number;

  constructor({ params, method, lrMultiplier, weightDecay, stepsBefore }: OptimizerGroupParts) {
    using whole = new AllOrNothing();
    this.flat = new FlatParameters(params, { later: true });
    const { rule } = method;
    this.method = method;
    this.moments = Object.entries(rule.moments).map(([name, start]) => {
      const moment = this.flat.moments(name);
      return start === 0 ? moment : moment.set(new Float32Array(moment.size).fill(start));
    });
    this.extra = method.extra?.(this.flat) ?? [];
    this.skipped = rule.numbers && this.counters(params.length);
    this.missed = new MissedSteps(params.length, rule.numbers ? stepsBefore : 0);
    this.lrMultiplier = lrMultiplier;
    this.weightDecay = weightDecay;
    whole.done();
  }

  /** What a saved state says of it. */
  get layout(): GroupLayout {
    return { names: Object.keys(this.method.rule.moments), sizes: this.parameters.map(({ size }) => size) };
  }

  get parameters(): readonly Tensor[] {
    return this.flat.parameters;
  }

  /** What gives an update's numbers where the device alone knows how many were made, since a loss scaler decides it, or did before. */
  countedBy(counted: CountedNumbers | undefined): CountedNumbers | undefined {
    const { scaler } = this;
    guard(scaler, counted ? undefined : (known) => known.counted);
    if (counted) scaler.counted = counted;
    return scaler.counted;
  }

  /** Runs of neighbours to update in the step that is being made, which is noted for the others. */
  takeRuns(): Run[] {
    const has = this.parameters.map(hasGradient);
    const runs = this.missed.runs(has);
    if (this.method.rule.numbers) this.missed.skip(has);
    return runs;
  }

  /** Gradients that lie elsewhere (made before this optimiser, or set by hand) move to the flat buffer. */
  gather(): void {
    noGrad(() =>
      scope(() => {
        for (const p of this.parameters) {
          if (!p.grad || !p.gradSlot || p.grad === p.gradSlot) continue;
          copyInto(p.gradSlot, p.grad);
          p.grad.dispose();
          p.grad = p.gradSlot;
        }
      }),
    );
  }

  /** What looks at all gradients together finds none of an earlier step in those that have none now. */
  clearMissing(): void {
    noGrad(() => {
      for (const p of this.parameters)
        if (!hasGradient(p) && p.gradSlot) scope(() => copyInto(p.gradSlot as Tensor, zeros(p.shape, { device: p.device })));
    });
  }

  dispose(): void {
    this.flat.dispose();
    for (const x of [...this.moments, ...this.extra]) x.dispose();
    this.skipped?.dispose();
  }

  private counters(count: number): Tensor {
    const { device } = this.flat.values;
    return Tensor.allocate(device, { shape: [count], dtype: 'f32', format: 'rowMajor' }, 'skipped updates').set(new Float32Array(count));
  }
}

/** PyTorch's optimisers skip what is frozen or was given no gradient. */
const hasGradient = (p: Tensor): boolean => p.requiresGrad && p.grad !== undefined;
