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
  /** Another gradient of x is added to this one's, in the same pass. */
  readonly addend?: boolean | undefined;
}

/** How the rows of a segment are divided whose sums lie in parts: number of parts, and rows of each but the last. */
export interface RowParts {
  readonly count: number;
  readonly rows: number;
}

/** Neighbouring channels a thread takes. Vectors pay on CPU drivers too: half the index arithmetic, twice the speed. */
export const vectorWidth = ({ channels }: NormProblem): 1 | 4 => (channels % 4 === 0 ? 4 : 1);

/** How the column sums over the rows are divided. `tileX` × `tileY` threads a workgroup on a GPU, one thread a part on a CPU. */
export interface Columns {
  /** Neighbouring channels a thread sums at once. */
  readonly vec: 1 | 4;
  /** Parts of each segment's rows; their sums are joined by a later dispatch, in order. */
  readonly parts: number;
  readonly rowsPerPart: number;
  readonly tileX: number;
  readonly tileY: number;
}

export function columnsOf(problem: NormProblem, target: Target): Columns {
  const { segments, rows, channels } = problem;
  const vec = vectorWidth(problem);
  if (target.software) {
    // A few hundred threads fill a CPU; barriers cost more there than a second dispatch.
    const wanted = Math.min(ceilDiv(256, (segments * channels) / vec), ceilDiv(rows, 32), 256);
    const rowsPerPart = ceilDiv(rows, Math.max(1, wanted));
    return { vec, parts: ceilDiv(rows, rowsPerPart), rowsPerPart, tileX: 64, tileY: 1 };
  }
  const tileX = Math.min(channels / vec, 64);
  const tileY = 2 ** Math.floor(Math.log2(256 / tileX));
  // About a thousand workgroups keep every unit's loads in flight; fewer than eight rows a thread are not worth a part.
  const tiles = segments * ceilDiv(channels / vec, tileX);
  const wanted = Math.min(ceilDiv(1024, tiles), ceilDiv(rows, tileY * 8), 512);
  const rowsPerPart = ceilDiv(rows, Math.max(1, wanted));
  return { vec, parts: ceilDiv(rows, rowsPerPart), rowsPerPart, tileX, tileY };
}

/**
 * One group spans a whole segment (layer norm), so the bytes of a segment may be cut into rows of any length for sums
 * that do not tell channels apart: rows of up to 64 give both a CPU's and a GPU's threads enough to do.
 */
export function recut(problem: NormProblem): NormProblem {
  if (problem.groups !== 1) return problem;
  const size = problem.rows * problem.channels;
  for (const channels of [64, 32, 16]) if (size % channels === 0) return { ...problem, rows: size / channels, channels };
  return problem;
}

/** WGSL of the activation's value; NaN passes. */
export const activate = (activation: NormProblem['activation'], x: string): string =>
  activation === 'relu'
    ? `select(${x}, 0.0, ${x} < 0.0)`
    : activation === 'relu6'
      ? `select(select(${x}, 0.0, ${x} < 0.0), 6.0, ${x} > 6.0)`
      : x;
/** WGSL of where its derivative is 0, from the result. NaN is not such a place. */
export const blocks = (activation: NormProblem['activation'], y: string): string =>
  activation === 'relu6' ? `${y} <= 0.0 || ${y} >= 6.0` : `${y} <= 0.0`;

/** Name parts shared by the variants of one problem. */
export const normName = (p: NormProblem): string =>
  `${p.dtype}${p.affine ? '-affine' : ''}${p.activation ? `-${p.activation}` : ''}${p.residual ? '-residual' : ''}${p.addend ? '-addend' : ''}`;
