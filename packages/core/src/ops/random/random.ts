import { type Distribution, planDraw } from '@initlab/kernels';
import { checkDevice, checkFormat, checkOptions, checkShape } from '../../checks/check-arguments.js';
import { OpError } from '../../checks/errors.js';
import { defaultDevice } from '../../gpu/device.js';
import { applyOne, defineOp } from '../../op/op.js';
import { Generator, libraryGenerator, ownDefault } from '../../random/generator.js';
import { halfOpen } from '../../random/half-open.js';
import { aboutToMove, type MovingState } from '../../record/host-untouched.js';
import { AllOrNothing } from '../../storage/scope.js';
import { rowMajor, sizeOf } from '../../storage/spec.js';
import { type CreateOptions, createOptions } from '../../tensor/create.js';
import { hostNumbers } from '../../tensor/host-numbers.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from '../pointwise/cast.js';
import { clamp } from '../pointwise/unary.js';
import { toFormat } from '../views/to-format.js';

interface DrawAttrs {
  readonly shape: readonly number[];
  readonly distribution: Distribution;
}
const drawOp = defineOp<DrawAttrs>()({
  name: 'draw',
  inputs: ['numbers'],
  outputs: ['y'],
  infer: (_, { shape }) => ({ y: rowMajor(shape) }),
  plan: ({ outputs: { y }, attrs: { distribution }, target }) => planDraw({ size: sizeOf(y.shape), distribution }, target),
});

/** Options of `rand` and `randn`. */
export interface RandomOptions extends CreateOptions {
  /** Where the numbers come from; it moves on by them. Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/** Of whatever generator is the library's when it is drawn from. */
const libraryState: MovingState = { mark: () => libraryGenerator().mark() };

function draw(op: string, { shape, distribution }: DrawAttrs, options: RandomOptions): Tensor {
  checkShape(op, shape);
  checkOptions(op, options, [...createOptions, 'generator']);
  const { generator, device = defaultDevice(), dtype = 'f32', format = 'rowMajor', requiresGrad } = options;
  if (generator !== undefined && !(generator instanceof Generator)) throw new OpError(op, `takes a Generator, got ${typeof generator}`);
  checkFormat(op, format);
  checkDevice(op, device);
  if (dtype !== 'f32' && dtype !== 'f16') throw new OpError(op, `makes f32 or f16, not ${dtype}`);
  using whole = new AllOrNothing();
  const given = generator ?? ownDefault();
  const blocks = Math.ceil(sizeOf(shape) / 4);
  aboutToMove(given ?? libraryState);
  const numbers = hostNumbers({ device, count: 5, dtype: 'u32', label: 'random state' }, () =>
    (given ?? libraryGenerator()).takeBlocks(blocks),
  );
  (given ?? libraryGenerator()).passBlocks(blocks);
  let y = applyOne(drawOp, { numbers }, { shape: [...shape], distribution });
  numbers.dispose();
  // Rounding to half floats makes 1 of what lies next to it.
  const below = dtype === 'f16' && distribution === 'uniform' ? halfOpen(0, 1, 'f16').most : undefined;
  const within = (x: Tensor): Tensor => (below === undefined ? x : clamp(x, { max: below }));
  for (const change of [within, (x: Tensor) => cast(x, dtype), (x: Tensor) => toFormat(x, format)]) {
    const next = change(y);
    if (next !== y) y.dispose();
    y = next;
  }
  return whole.done(requiresGrad ? y.requiresGrad_() : y);
}

/**
 * Uniform numbers in [0, 1), of 24 bits (PyTorch's `torch.rand`), drawn on the device: the same on every adapter. Element i is
 * made of word i of the generator, from its next multiple of four on. In a compiled function every call draws anew, as eager
 * code does.
 */
export const rand = (shape: readonly number[], options: RandomOptions = {}): Tensor =>
  draw('rand', { shape, distribution: 'uniform' }, options);

/**
 * Standard normal numbers (PyTorch's `torch.randn`), by Box and Muller from the numbers that `rand` would give: on every
 * adapter the same within 3e-6. In a compiled function every call draws anew, as eager code does.
 */
export const randn = (shape: readonly number[], options: RandomOptions = {}): Tensor =>
  draw('randn', { shape, distribution: 'normal' }, options);
