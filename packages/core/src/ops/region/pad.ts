import type { Piece } from '@initlab/kernels';
import { checkChoice, checkOptions } from '../../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { orCopy, piecesAlong } from './pieces-along.js';
import { narrow, padConstant } from './regions.js';

/** What a padding is filled with. */
export type PadMode = 'constant' | 'reflect' | 'replicate' | 'circular';

/** Options of `pad`. */
export interface PadOptions {
  /** [before, after] from the last dimension backwards: [left, right, top, bottom] of images. Of `constant` negative ones cut off. */
  readonly pad: readonly number[];
  /**
   * A number, or what lies inside: `reflect` mirrors it without its edge, `replicate` repeats the edge, `circular` goes on at the
   * other side. Default `constant`.
   */
  readonly mode?: PadMode;
  /** Of `constant`; default 0. */
  readonly value?: number;
}

/**
 * Padding (PyTorch's `F.pad`). Throws where `reflect` would need more than all but the edge, or `circular` more than all. Any type;
 * gradients of floats.
 */
export function pad(x: Tensor, options: PadOptions): Tensor {
  checkOptions('pad', options, ['pad', 'mode', 'value']);
  const { pad: sizes, mode = 'constant', value = 0 } = options;
  checkTensor('pad', x);
  checkChoice('pad', 'mode', { value: mode, known: ['constant', 'reflect', 'replicate', 'circular'] });
  if (!Array.isArray(sizes)) throw new OpError('pad', `pad is ${showValue(sizes)}; give a list of pairs, [left, right, …]`);
  const list: readonly number[] = sizes;
  if (typeof value !== 'number') throw new OpError('pad', `value is ${showValue(value)}; give a number`);
  if (list.length % 2 !== 0 || list.length / 2 > x.ndim || list.some((s) => !Number.isInteger(s) || (s < 0 && mode !== 'constant')))
    throw new OpError(
      'pad',
      `pad ${showShape(list)} lists pairs of whole numbers${mode === 'constant' ? '' : ' ≥ 0'}, at most one pair a dimension of ${showShape(x.shape)}`,
    );
  const side = (k: 0 | 1): number[] => x.shape.map((_, i) => list[(x.ndim - 1 - i) * 2 + k] ?? 0);
  const [before, after] = [side(0), side(1)];
  using whole = new AllOrNothing();
  if (mode === 'constant') {
    const added = (sides: readonly number[]): number[] => sides.map((side) => Math.max(side, 0));
    return whole.done(padConstant(cut(x, before, after), { before: added(before), after: added(after), value }));
  }
  const padded = x.shape.reduce<Tensor>((y, size, dim) => {
    const [left, right] = [before[dim] as number, after[dim] as number];
    if (left === 0 && right === 0) return y;
    const most = { reflect: size - 1, circular: size, replicate: size === 0 ? 0 : Number.POSITIVE_INFINITY }[mode];
    if (Math.max(left, right) > most)
      throw new OpError(
        'pad',
        `${mode} has at most ${Math.max(most, 0)} slices for dimension ${dim} of ${showShape(x.shape)}, got ${left} and ${right}`,
      );
    return piecesAlong(y, dim, around[mode](size, left, right));
  }, x);
  return whole.done(orCopy(padded, x));
}

/** Without what negative sizes cut off. */
function cut(x: Tensor, before: readonly number[], after: readonly number[]): Tensor {
  return x.shape.reduce<Tensor>((y, size, dim) => {
    const start = Math.max(0, -(before[dim] as number));
    const length = size - start + Math.min(0, after[dim] as number);
    if (length < 0)
      throw new OpError(
        'pad',
        `cuts more off than the ${size} slices of dimension ${dim} of ${showShape(x.shape)}: ${before[dim]} and ${after[dim]}`,
      );
    return length === size ? y : narrow(y, { dim, start, length });
  }, x);
}

const inside = (size: number): Piece => ({ start: 0, step: 1, length: size });
const around = {
  reflect: (size: number, left: number, right: number): Piece[] => [
    { start: left, step: -1, length: left },
    inside(size),
    { start: size - 2, step: -1, length: right },
  ],
  replicate: (size: number, left: number, right: number): Piece[] => [
    { start: 0, step: 0, length: left },
    inside(size),
    { start: size - 1, step: 0, length: right },
  ],
  circular: (size: number, left: number, right: number): Piece[] => [
    { start: size - left, step: 1, length: left },
    inside(size),
    { start: 0, step: 1, length: right },
  ],
};
