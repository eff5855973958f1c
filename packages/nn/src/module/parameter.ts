import { AllOrNothing, type Device, defaultDevice, OpError, Tensor, type TensorSpec } from '@initlab/core';
import { checkNumber, checkOptions, checkSizes } from '@initlab/core/internal';

/** Options of `new Parameter` and `stateTensor`. */
export interface ParameterOptions {
  /** Default: the library's device (`setDefaultDevice`). */
  readonly device?: Device | undefined;
  /** What all elements are at first. Default 0. */
  readonly value?: number | undefined;
}

/** A learnable tensor of a module: f32, row-major, a leaf with gradient. It belongs to no scope; `dispose` frees it. */
export class Parameter extends Tensor {
  constructor(shape: readonly number[], options: ParameterOptions = {}) {
    checkOptions('Parameter', options, ['device', 'value']);
    const { device = defaultDevice(), value = 0 } = options;
    checkNumber('Parameter', { value });
    using whole = new AllOrNothing();
    const made = Tensor.allocate(device, specOf('Parameter', shape), 'parameter');
    super(made.storage, made.spec, true);
    this.set(new Float32Array(this.size).fill(value));
    whole.done();
  }
}

/** A tensor that is saved with its module but not learned (PyTorch's buffer); `stateTensor` makes one. */
export class StateTensor extends Tensor {}

/**
 * State of a module that is saved but not learned (PyTorch's buffer: running statistics, a mask): f32, filled with `value`,
 * default 0; `set` gives it other content. Belongs to no scope.
 *
 * ```ts
 * readonly shift = stateTensor([3]).set([0.1, 0.2, 0.3]);
 * ```
 */
export function stateTensor(shape: readonly number[], options: ParameterOptions = {}): StateTensor {
  checkOptions('stateTensor', options, ['device', 'value']);
  const { device = defaultDevice(), value = 0 } = options;
  checkNumber('stateTensor', { value });
  using whole = new AllOrNothing();
  const made = Tensor.allocate(device, specOf('stateTensor', shape), 'module state');
  return whole.done(new StateTensor(made.storage, made.spec).set(new Float32Array(made.size).fill(value)));
}

function specOf(what: string, shape: readonly number[]): TensorSpec {
  if (!Array.isArray(shape))
    throw new OpError(what, `takes a shape such as [64, 3], got ${typeof shape}; values come in by set(): new Parameter([2]).set([1, 2])`);
  if (shape.length > 0) checkSizes(what, { shape }, 0);
  return { shape: [...shape], dtype: 'f32', format: 'rowMajor' };
}
