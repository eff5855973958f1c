import type { Device } from '@initlab/core';
import { checkFlags, checkNumber } from '@initlab/core/internal';
import { Parameter, type StateTensor, stateTensor } from '../module/parameter.js';

/** Options of the norm layers. */
export interface NormLayerOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Learn a weight (1 at first) and a bias (0 at first); default true. */
  readonly affine?: boolean;
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
}

/** Names of the options of all. */
export const normOptionNames = ['eps', 'affine', 'device'] as const;

export function checkNormOptions(name: string, { eps, affine }: { eps: number; affine: boolean }): void {
  checkNumber(name, { eps }, { from: 0 });
  checkFlags(name, { affine });
}

type OnDevice = Pick<NormLayerOptions, 'device'>;

/** Weight 1 and bias 0, where there are any. */
export const affineParameters = (
  shape: readonly number[],
  { affine, device }: OnDevice & { readonly affine: boolean },
): [weight: Parameter | undefined, bias: Parameter | undefined] =>
  affine ? [new Parameter(shape, { device, value: 1 }), new Parameter(shape, { device, value: 0 })] : [undefined, undefined];

/** Mean 0 and variance 1 at first, where they are kept. */
export const runningStats = (
  numFeatures: number,
  { trackRunningStats, device }: OnDevice & { readonly trackRunningStats: boolean },
): [mean: StateTensor | undefined, variance: StateTensor | undefined] =>
  trackRunningStats
    ? [stateTensor([numFeatures], { device, value: 0 }), stateTensor([numFeatures], { device, value: 1 })]
    : [undefined, undefined];
