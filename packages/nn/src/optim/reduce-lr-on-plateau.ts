import { OpError } from '@initlab/core';
import { checkChoice, checkNumber, checkObject, checkOptions, showValue } from '@initlab/core/internal';

/** Options of `ReduceLrOnPlateau`; the defaults are PyTorch's. */
export interface PlateauOptions {
  /** What is better: `min`, the default, less (a loss), or `max`, more (an accuracy). */
  readonly mode?: 'min' | 'max' | undefined;
  /** The rate is multiplied with it, below 1. Default 0.1. */
  readonly factor?: number | undefined;
  /** Calls without an improvement that are borne; the next reduces the rate. Default 10. */
  readonly patience?: number | undefined;
  /** An improvement is one by more than this. Default 1e-4. */
  readonly threshold?: number | undefined;
  /** `rel`, the default: the threshold is a share of the best; `abs`: a number by itself. */
  readonly thresholdMode?: 'rel' | 'abs' | undefined;
  /** Calls after a reduction that count for nothing. Default 0. */
  readonly cooldown?: number | undefined;
  /** The rate does not go below. Default 0. */
  readonly minLr?: number | undefined;
  /** A reduction by less is not made. Default 1e-8. */
  readonly eps?: number | undefined;
}
const optionNames = ['mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'cooldown', 'minLr', 'eps'] as const;

/** Where a `ReduceLrOnPlateau` stands: plain numbers, for a checkpoint. */
export interface PlateauState {
  /** Null before the first call. */
  readonly best: number | null;
  readonly badCalls: number;
  readonly cooldownLeft: number;
}

/**
 * Reduces an optimiser's rate when a metric has stopped improving (PyTorch's `ReduceLROnPlateau`). It works on the host, between
 * steps: `await` the loss of an epoch, then `plateau.step(loss)`. A metric that is NaN is no improvement.
 */
export class ReduceLrOnPlateau {
  private readonly settings: { readonly [K in keyof PlateauOptions]-?: NonNullable<PlateauOptions[K]> };
  private now: PlateauState = { best: null, badCalls: 0, cooldownLeft: 0 };

  /** `optimizer`: any with a rate, `{ lr }`. */
  constructor(
    private readonly optimizer: { lr: number },
    options: PlateauOptions = {},
  ) {
    const op = 'ReduceLrOnPlateau';
    checkObject(op, 'an optimiser, which has an lr', optimizer);
    if (typeof optimizer.lr !== 'number') throw new OpError(op, `takes an optimiser, which has an lr, got ${showValue(optimizer)}`);
    checkOptions(op, options, optionNames);
    const {
      mode = 'min',
      factor = 0.1,
      patience = 10,
      threshold = 1e-4,
      thresholdMode = 'rel',
      cooldown = 0,
      minLr = 0,
      eps = 1e-8,
    } = options;
    checkChoice(op, 'mode', { value: mode, known: ['min', 'max'] });
    checkChoice(op, 'thresholdMode', { value: thresholdMode, known: ['rel', 'abs'] });
    checkNumber(op, { factor }, { from: 0, below: 1 });
    checkNumber(op, { patience, cooldown }, { from: 0, whole: true });
    checkNumber(op, { threshold, minLr, eps }, { from: 0 });
    this.settings = { mode, factor, patience, threshold, thresholdMode, cooldown, minLr, eps };
  }

  /** Tells a metric; true where the rate was reduced. */
  step(metric: number): boolean {
    if (typeof metric !== 'number') throw new OpError('ReduceLrOnPlateau', `step() takes a number, got ${showValue(metric)}; await item()`);
    const { factor, patience, cooldown, minLr, eps } = this.settings;
    const better = this.isBetter(metric);
    const cooling = this.now.cooldownLeft > 0;
    const badCalls = better || cooling ? 0 : this.now.badCalls + 1;
    const best = better ? metric : this.now.best;
    const reduces = badCalls > patience;
    this.now = { best, badCalls: reduces ? 0 : badCalls, cooldownLeft: reduces ? cooldown : Math.max(0, this.now.cooldownLeft - 1) };
    const lr = Math.max(this.optimizer.lr * factor, minLr);
    if (!reduces || this.optimizer.lr - lr <= eps) return false;
    this.optimizer.lr = lr;
    return true;
  }

  /** For a checkpoint, beside the optimiser's, which has the rate. */
  state(): PlateauState {
    return { ...this.now };
  }

  /** Goes on from a saved state. */
  loadState(state: PlateauState): void {
    const op = 'ReduceLrOnPlateau';
    checkOptions(op, state, ['best', 'badCalls', 'cooldownLeft']);
    const { best, badCalls, cooldownLeft } = state;
    checkNumber(op, { badCalls, cooldownLeft }, { from: 0, whole: true });
    if (best !== null && typeof best !== 'number')
      throw new OpError(op, `best is ${showValue(best)}; give a number, or null before the first`);
    this.now = { best, badCalls, cooldownLeft };
  }

  private isBetter(metric: number): boolean {
    const { mode, threshold, thresholdMode } = this.settings;
    const best = this.now.best ?? (mode === 'min' ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY);
    const by = mode === 'min' ? -threshold : threshold;
    // Times a factor, not less a share: of no best yet, which is infinite, that would be no number.
    const bound = thresholdMode === 'rel' ? best * (1 + by) : best + by;
    return mode === 'min' ? metric < bound : metric > bound;
  }
}
