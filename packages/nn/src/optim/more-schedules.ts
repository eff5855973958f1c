import { checkChoice, checkNumber, checkOptions } from '@initlab/core/internal';
import type { Schedule } from './schedules.js';

/** A schedule that is asked for steps only. */
const asked =
  (name: string, rate: Schedule): Schedule =>
  (step) => {
    checkNumber(name, { step }, { from: 0 });
    return rate(step);
  };

/** Times gamma at every step (PyTorch's `ExponentialLR`). */
export function exponentialLr(baseLr: number, options: { gamma: number }): Schedule {
  checkOptions('exponentialLr', options, ['gamma']);
  const { gamma } = options;
  checkNumber('exponentialLr', { baseLr, gamma }, { from: 0 });
  return asked('exponentialLr', (step) => baseLr * gamma ** step);
}

/** baseLr · (1 − step / totalSteps)^power, then 0 (PyTorch's `PolynomialLR`; power 1 by default). */
export function polynomialLr(baseLr: number, options: { totalSteps: number; power?: number }): Schedule {
  checkOptions('polynomialLr', options, ['totalSteps', 'power']);
  const { totalSteps, power = 1 } = options;
  checkNumber('polynomialLr', { baseLr, power }, { from: 0 });
  checkNumber('polynomialLr', { totalSteps }, { above: 0 });
  return asked('polynomialLr', (step) => baseLr * Math.max(0, 1 - step / totalSteps) ** power);
}

/**
 * Half cosines from baseLr to etaMin, default 0, each tMult times, default 1, as long as the one before; the first has t0 steps
 * (PyTorch's `CosineAnnealingWarmRestarts`; arXiv:1608.03983).
 */
export function cosineWarmRestartsLr(baseLr: number, options: { t0: number; tMult?: number; etaMin?: number }): Schedule {
  checkOptions('cosineWarmRestartsLr', options, ['t0', 'tMult', 'etaMin']);
  const { t0, tMult = 1, etaMin = 0 } = options;
  checkNumber('cosineWarmRestartsLr', { baseLr, etaMin }, { from: 0 });
  checkNumber('cosineWarmRestartsLr', { t0, tMult }, { from: 1, whole: true });
  return asked('cosineWarmRestartsLr', (step) => {
    let [length, since] = [t0, step];
    if (tMult === 1) since %= t0;
    else
      while (since >= length) {
        since -= length;
        length *= tMult;
      }
    return etaMin + ((baseLr - etaMin) * (1 + Math.cos((Math.PI * since) / length))) / 2;
  });
}

/** Options of `oneCycleLr`; the defaults are PyTorch's. */
export interface OneCycleOptions {
  /** Steps of the whole cycle. */
  readonly totalSteps: number;
  /** Share of the steps in which the rate rises. Default 0.3. */
  readonly pctStart?: number;
  /** `cos`, the default, or `linear`. */
  readonly annealStrategy?: 'cos' | 'linear';
  /** The first rate is maxLr over this. Default 25. */
  readonly divFactor?: number;
  /** The last is the first over this. Default 1e4. */
  readonly finalDivFactor?: number;
}

/** From maxLr / divFactor up to maxLr and down to nearly nothing (PyTorch's `OneCycleLR` in two phases; arXiv:1708.07120). */
export function oneCycleLr(maxLr: number, options: OneCycleOptions): Schedule {
  checkOptions('oneCycleLr', options, ['totalSteps', 'pctStart', 'annealStrategy', 'divFactor', 'finalDivFactor']);
  const { totalSteps, pctStart = 0.3, annealStrategy = 'cos', divFactor = 25, finalDivFactor = 1e4 } = options;
  checkNumber('oneCycleLr', { maxLr }, { from: 0 });
  checkNumber('oneCycleLr', { totalSteps }, { from: 1, whole: true });
  checkNumber('oneCycleLr', { pctStart }, { from: 0, to: 1 });
  checkNumber('oneCycleLr', { divFactor, finalDivFactor }, { above: 0 });
  checkChoice('oneCycleLr', 'annealStrategy', { value: annealStrategy, known: ['cos', 'linear'] });
  const first = maxLr / divFactor;
  const last = first / finalDivFactor;
  const peak = pctStart * totalSteps - 1;
  const between = (from: number, to: number, share: number): number =>
    annealStrategy === 'linear' ? from + (to - from) * share : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * share));
  return asked('oneCycleLr', (step) => {
    const at = Math.min(step, totalSteps - 1);
    return at <= peak ? between(first, maxLr, peak === 0 ? 1 : at / peak) : between(maxLr, last, (at - peak) / (totalSteps - 1 - peak));
  });
}

/** Options of `swaLr`; the defaults are PyTorch's. */
export interface SwaLrOptions {
  /** The rate at the end. */
  readonly swaLr: number;
  /** Steps to get there; from the first on with 0. Default 10. */
  readonly annealSteps?: number;
  /** `cos`, the default, or `linear`. */
  readonly annealStrategy?: 'cos' | 'linear';
}

/**
 * From baseLr, where the schedule before it ended, to the constant rate at which weights are averaged (PyTorch's `swa_utils.SWALR`;
 * arXiv:1803.05407). After another schedule it stands in `sequentialLr`.
 */
export function swaLr(baseLr: number, options: SwaLrOptions): Schedule {
  checkOptions('swaLr', options, ['swaLr', 'annealSteps', 'annealStrategy']);
  const { swaLr: end, annealSteps = 10, annealStrategy = 'cos' } = options;
  checkNumber('swaLr', { baseLr, swaLr: end }, { from: 0 });
  checkNumber('swaLr', { annealSteps }, { from: 0, whole: true });
  checkChoice('swaLr', 'annealStrategy', { value: annealStrategy, known: ['cos', 'linear'] });
  return asked('swaLr', (step) => {
    const share = step >= annealSteps ? 1 : step / annealSteps;
    const moved = annealStrategy === 'linear' ? share : (1 - Math.cos(Math.PI * share)) / 2;
    return end * moved + baseLr * (1 - moved);
  });
}
