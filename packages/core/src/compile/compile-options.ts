import { checkChoice, checkNumber, checkOptions } from '../checks/check-arguments.js';
import type { Device } from '../gpu/device.js';
import { type RewriteName, rewriteNames } from './rewrites/index.js';

/** Options of `compile`. */
export interface CompileOptions {
  /** Where the step runs; default: the device opened first. */
  readonly device?: Device;
  /** Same kernels as eager, no rewrites: same bits as eager. Slower; for checks. */
  readonly exact?: boolean;
  /**
   * `mixed`: f16 activations with f32 sums, statistics, weights and losses where the adapter has f16 (see `autocast`), else
   * f32 as always; `stats().precision` tells. Train with a `LossScaler` then.
   */
  readonly precision?: 'f32' | 'mixed';
  /** Switch single rewrites off (or on): `{ writeThrough: false }`. */
  readonly rewrites?: Partial<Record<RewriteName, boolean>>;
  /** Recordings kept, by shapes of inputs and modes of layers; beyond them the one called longest ago goes. Default 32. */
  readonly maxRecordings?: number;
}

/** Throws for options that are none. */
export function checkCompileOptions(options: CompileOptions): void {
  checkOptions('compile', options, ['device', 'exact', 'precision', 'rewrites', 'maxRecordings']);
  const { precision, rewrites = {}, maxRecordings } = options;
  if (precision) checkChoice('compile', 'precision', { value: precision, known: ['f32', 'mixed'] });
  checkOptions('compile', rewrites, rewriteNames);
  if (maxRecordings !== undefined) checkNumber('compile', { maxRecordings }, { from: 1, whole: true });
}
