import { planUniform } from '@initlab/kernels';
import { checkNumber, checkOptions, checkShape } from '../../checks/check-arguments.js';
import { OpError, showShape } from '../../checks/errors.js';
import { applyOne, defineOp } from '../../op/op.js';
import { halfOpen } from '../../random/half-open.js';
import { rowMajor, sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The largest f32. */
const greatest = 3.4028234663852886e38;

interface UniformAttrs {
  readonly shape: readonly number[];
  readonly stream: number;
  readonly low: number;
  readonly high: number;
}
const uniformOp = defineOp<UniformAttrs>()({
  name: 'uniform',
  inputs: ['rng'],
  outputs: ['y'],
  infer: (_, { shape }) => ({ y: rowMajor(shape) }),
  plan: ({ outputs: { y }, attrs, target }) => {
    const range = halfOpen(attrs.low, attrs.high, 'f32');
    return planUniform({ ...attrs, ...range, size: sizeOf(y.shape) }, target);
  },
});

/** Throws unless `rng` is a random state: u32[4], seed low and high, step low and high. */
export function checkRng(op: string, rng: Tensor): void {
  checkTensor(op, rng, 'rng');
  if (rng.dtype !== 'u32' || rng.size !== 4)
    throw new OpError(op, `rng is u32 [4] (seed low and high, step low and high), got ${rng.dtype} ${showShape(rng.shape)}`);
}

/**
 * Uniform numbers in [low, high), drawn on the device by logical index: the same on every adapter for the same `rng`
 * (u32[4]: seed low and high, step low and high) and `stream`. Row-major, f32, not differentiable.
 */
export function uniform(shape: readonly number[], options: { rng: Tensor; stream: number; low?: number; high?: number }): Tensor {
  checkOptions('uniform', options, ['rng', 'stream', 'low', 'high']);
  const { rng, stream, low = 0, high = 1 } = options;
  checkRng('uniform', rng);
  checkShape('uniform', shape);
  checkNumber('uniform', { low, high });
  if (!(low <= high && high - low <= greatest && Math.abs(low) <= greatest && Math.abs(high) <= greatest))
    throw new OpError('uniform', `[${low}, ${high}) is no range of f32 numbers`);
  checkNumber('uniform', { stream }, { from: 0, to: 2 ** 32 - 1, whole: true });
  return applyOne(uniformOp, { rng }, { shape, stream, low, high });
}
