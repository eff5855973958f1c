import { ceilDiv } from '../kernel.js';
import type { Target } from '../plan.js';

/**
 * A normalisation of a tensor seen as [segments, rows, channels], channels innermost (NHWC). Each segment's channels
 * are normalised in `groups` of neighbouring channels:
 * batch norm: one segment of N·H·W rows, groups = channels; group norm: N segments of H·W rows; instance norm: groups =
 * channels; layer norm: groups = 1.
 */
export interface NormProblem {
  readonly segments: number;
  readonly rows: number;
  readonly channels: number;
  readonly groups: number;
  readonly eps: number;
  readonly dtype: 'f32' | 'f16';
  /** Per-channel weight and bias follow. */
  readonly affine: boolean;
  /** y = activation(normalised + residual?), in the same pass. */
  readonly activation?: 'relu' | 'relu6' | undefined;
  readonly residual?: boolean | undefined;
}

/** Rows one thread sums; the parts are merged in a second dispatch. */
export function partsOf(problem: NormProblem, target: Target): { parts: number; rowsPerPart: number } {
  // Enough threads to fill the machine: a few hundred on a CPU, tens of thousands on a GPU.
  const wanted = ceilDiv(target.software ? 512 : 32768, problem.segments * problem.channels);
  const parts = Math.max(1, Math.min(wanted, ceilDiv(problem.rows, 32), 256));
  const rowsPerPart = ceilDiv(problem.rows, parts);
  return { parts: ceilDiv(problem.rows, rowsPerPart), rowsPerPart };
}

/** WGSL of the activation's value, and of its derivative's mask from the result. */
export const activate = (activation: NormProblem['activation'], x: string): string =>
  activation === 'relu' ? `select(${x}, 0.0, ${x} < 0.0)` : activation === 'relu6' ? `select(select(${x}, 0.0, ${x} < 0.0), 6.0, ${x} > 6.0)` : x;
export const passes = (activation: NormProblem['activation'], y: string): string =>
  activation === 'relu' ? `${y} > 0.0` : activation === 'relu6' ? `${y} > 0.0 && ${y} < 6.0` : 'true';

/** Name parts shared by the kernels of one problem. */
export const normName = (p: NormProblem): string =>
  `${p.dtype}${p.affine ? '-affine' : ''}${p.activation ? `-${p.activation}` : ''}${p.residual ? '-residual' : ''}`;
