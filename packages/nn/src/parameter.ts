import { type Device, defaultDevice, Tensor } from '@initlab/core';

/** A learnable tensor of a module: f32, row-major, a leaf with gradient. It belongs to no scope; `dispose` frees it. */
export class Parameter extends Tensor {
  constructor(shape: readonly number[], options: { device?: Device | undefined; value?: number } = {}) {
    const device = options.device ?? defaultDevice();
    const made = Tensor.allocate(device, { shape: [...shape], dtype: 'f32', format: 'rowMajor' }, 'parameter');
    super(made.storage, made.spec, true);
    if (options.value !== undefined) this.set(new Float32Array(this.size).fill(options.value));
  }
}

/** State of a module that is saved but not learned (running statistics). Belongs to no scope. */
export function stateTensor(shape: readonly number[], options: { device?: Device | undefined; value: number }): Tensor {
  const made = Tensor.allocate(options.device ?? defaultDevice(), { shape: [...shape], dtype: 'f32', format: 'rowMajor' }, 'module state');
  return made.set(new Float32Array(made.size).fill(options.value));
}
