import { type Generator, OpError, type Tensor } from '@initlab/core';
import { checkBody, checkNumber, checkOptions, checkTensor, halfOpen, showShape, showValue } from '@initlab/core/internal';
import { checkFillable, generatorOf } from './check-fillable.js';
import { calculateFanInAndFanOut, calculateGain, type Nonlinearity } from './fan.js';
import { truncatedNormal } from './truncated-normal.js';

// Every function overwrites the tensor in place and returns it, as torch.nn.init does. Values are drawn on the CPU in
// float64 and rounded once, so a seed means the same weights on every machine.

/** Options of every initialiser that draws. */
export interface RandomOptions {
  /** Default: the library's generator (`manualSeed`). */
  readonly generator?: Generator | undefined;
}

/** Overwrite with `draw(i)`, i the row-major index. */
export function fillWith(x: Tensor, draw: (index: number) => number): Tensor {
  checkTensor('fillWith', x);
  checkBody('fillWith', draw);
  return x.set(Float32Array.from({ length: x.size }, (_, i) => draw(i)));
}

/** The largest f32. */
const largest = 3.4028234663852886e38;

/** U[a, b): never b itself, also after rounding; default U[0, 1). */
export function uniform_(x: Tensor, options: RandomOptions & { a?: number; b?: number } = {}): Tensor {
  checkOptions('uniform_', options, ['a', 'b', 'generator']);
  const { a = 0, b = 1 } = options;
  const generator = generatorOf('uniform_', options.generator);
  const dtype = checkFillable('uniform_', x);
  checkNumber('uniform_', { a, b, 'b − a': b - a }, { from: -largest, to: largest });
  if (a > b) throw new OpError('uniform_', `a = ${a} is above b = ${b}; give the smaller bound as a`);
  const { least, most } = halfOpen(a, b, dtype);
  return fillWith(x, () => Math.min(most, Math.max(least, a + (b - a) * generator.uniform())));
}

/** N(mean, std²); default N(0, 1). */
export function normal_(x: Tensor, options: RandomOptions & { mean?: number; std?: number } = {}): Tensor {
  checkOptions('normal_', options, ['mean', 'std', 'generator']);
  const { mean = 0, std = 1 } = options;
  const generator = generatorOf('normal_', options.generator);
  checkFillable('normal_', x);
  checkNumber('normal_', { mean });
  checkNumber('normal_', { std }, { from: 0 });
  return fillWith(x, () => mean + std * generator.normal());
}

/** N(mean, std²) within [a, b] (PyTorch's `trunc_normal_`; default bounds ±2, not in units of std). Bounds may be infinite. */
export function truncNormal_(x: Tensor, options: RandomOptions & { mean?: number; std?: number; a?: number; b?: number } = {}): Tensor {
  checkOptions('truncNormal_', options, ['mean', 'std', 'a', 'b', 'generator']);
  const { mean = 0, std = 1, a = -2, b = 2 } = options;
  const generator = generatorOf('truncNormal_', options.generator);
  checkFillable('truncNormal_', x);
  checkNumber('truncNormal_', { mean });
  if (typeof std !== 'number' || !(std > 0 && std < Number.POSITIVE_INFINITY))
    throw new OpError('truncNormal_', `std ${showValue(std)} must be above 0 and finite; constant_ fills with one value`);
  for (const [name, bound] of Object.entries({ a, b }))
    if (typeof bound !== 'number') throw new OpError('truncNormal_', `${name} is ${showValue(bound)}; give a number`);
  if (!(a < b)) throw new OpError('truncNormal_', `[${showValue(a)}, ${showValue(b)}] is no interval; a must be below b`);
  const [low, high] = [(a - mean) / std, (b - mean) / std];
  // Rounding may step over a bound, also the later one to f32; PyTorch clamps too.
  return fillWith(x, () => Math.min(b, Math.max(a, mean + std * truncatedNormal(low, high, generator))));
}

/** Every element is `value` (PyTorch's `init.constant_`). */
export function constant_(x: Tensor, value: number): Tensor {
  checkTensor('constant_', x);
  if (typeof value !== 'number') throw new OpError('constant_', `takes a number to fill with, got ${showValue(value)}`);
  return fillWith(x, () => value);
}
/** Every element is 1 (PyTorch's `init.ones_`). */
export const ones_ = (x: Tensor): Tensor => constant_(x, 1);
/** Every element is 0 (PyTorch's `init.zeros_`). */
export const zeros_ = (x: Tensor): Tensor => constant_(x, 0);

/** The identity matrix [n, m]. */
export function eye_(x: Tensor): Tensor {
  checkTensor('eye_', x);
  if (x.ndim !== 2) throw new OpError('eye_', `takes a matrix [n, m], got ${showShape(x.shape)}; dirac_ is for convolutions`);
  const columns = x.shape[1] as number;
  return fillWith(x, (i) => (Math.floor(i / columns) === i % columns ? 1 : 0));
}

/** Keeps the channels of a convolution [out, in, ...kernel]: 1 at the kernel's centre, group by group (PyTorch's `dirac_`). */
export function dirac_(x: Tensor, options: { groups?: number } = {}): Tensor {
  checkOptions('dirac_', options, ['groups']);
  const { groups = 1 } = options;
  checkTensor('dirac_', x);
  const [out = 0, inputs = 0, ...kernel] = x.shape;
  if (kernel.length < 1 || kernel.length > 3)
    throw new OpError('dirac_', `takes a convolution's weight of 3, 4 or 5 dimensions, got ${showShape(x.shape)}; eye_ is for matrices`);
  if (!Number.isInteger(groups) || groups < 1 || out % groups !== 0)
    throw new OpError('dirac_', `groups ${showValue(groups)} must divide the ${out} output channels of ${showShape(x.shape)}`);
  const area = kernel.reduce((a, b) => a * b, 1);
  const centre = kernel.reduce((at, k) => at * k + Math.floor(k / 2), 0);
  return fillWith(x, (i) => {
    const channel = Math.floor(i / area) % inputs;
    const within = Math.floor(i / (area * inputs)) % (out / groups);
    return i % area === centre && channel === within ? 1 : 0;
  });
}

/** Options of `xavierUniform_` and `xavierNormal_`. */
export interface XavierOptions extends RandomOptions {
  /** Factor of the standard deviation (`calculateGain`). Default 1. */
  readonly gain?: number;
}

/** U(±gain·√(6 / (fanIn + fanOut))) (Glorot & Bengio 2010). */
export function xavierUniform_(x: Tensor, options: XavierOptions = {}): Tensor {
  checkOptions('xavierUniform_', options, ['gain', 'generator']);
  const { gain = 1, generator } = options;
  checkFillable('xavierUniform_', x);
  checkNumber('xavierUniform_', { gain }, { from: 0 });
  const { fanIn, fanOut } = calculateFanInAndFanOut(x.shape);
  if (x.size === 0) return x;
  const bound = gain * Math.sqrt(6 / (fanIn + fanOut));
  return uniform_(x, { a: -bound, b: bound, generator });
}

/** N(0, gain²·2 / (fanIn + fanOut)) (Glorot & Bengio 2010). */
export function xavierNormal_(x: Tensor, options: XavierOptions = {}): Tensor {
  checkOptions('xavierNormal_', options, ['gain', 'generator']);
  const { gain = 1, generator } = options;
  checkFillable('xavierNormal_', x);
  checkNumber('xavierNormal_', { gain }, { from: 0 });
  const { fanIn, fanOut } = calculateFanInAndFanOut(x.shape);
  if (x.size === 0) return x;
  return normal_(x, { std: gain * Math.sqrt(2 / (fanIn + fanOut)), generator });
}

/** As PyTorch's, which says that there is nothing to fill before it looks at the fans. */
function isNothing(name: string, x: Tensor): boolean {
  checkFillable(name, x);
  return x.size === 0;
}

/** Options of `kaimingUniform_`, `kaimingNormal_` and `kaimingStd`; defaults are PyTorch's. */
export interface KaimingOptions extends RandomOptions {
  /** Slope of a leakyRelu below 0. Default 0. */
  readonly a?: number;
  /** Keep the size of activations (fanIn) or of gradients (fanOut). Default `fanIn`. */
  readonly mode?: 'fanIn' | 'fanOut';
  /** What follows the layer. Default `leakyRelu`. */
  readonly nonlinearity?: Nonlinearity;
  /** Divides fanOut by the groups of a convolution, as PyTorch does not. Default 1. */
  readonly groups?: number;
}

/** Standard deviation of a Kaiming initialisation: gain / √fan (He et al., arXiv:1502.01852). */
export function kaimingStd(shape: readonly number[], options: KaimingOptions = {}): number {
  checkOptions('kaiming', options, ['a', 'mode', 'nonlinearity', 'groups', 'generator']);
  const { a = 0, mode = 'fanIn', nonlinearity = 'leakyRelu', groups = 1 } = options;
  if (mode !== 'fanIn' && mode !== 'fanOut') throw new OpError('kaiming', `there is no mode "${String(mode)}"; known are fanIn, fanOut`);
  checkNumber('kaiming', { a });
  return calculateGain(nonlinearity, a) / Math.sqrt(calculateFanInAndFanOut(shape, { groups })[mode]);
}

/**
 * U(±√3·gain / √fan). PyTorch's layers start with a = √5, which is U(±1/√fanIn). A tensor of no elements stays as it is, whatever
 * its shape.
 */
export function kaimingUniform_(x: Tensor, options: KaimingOptions = {}): Tensor {
  if (isNothing('kaimingUniform_', x)) return x;
  const bound = Math.sqrt(3) * kaimingStd(x.shape, options);
  return uniform_(x, { a: -bound, b: bound, generator: options.generator });
}

/** N(0, gain² / fan); as `kaimingUniform_` of a tensor of no elements. */
export function kaimingNormal_(x: Tensor, options: KaimingOptions = {}): Tensor {
  if (isNothing('kaimingNormal_', x)) return x;
  return normal_(x, { std: kaimingStd(x.shape, options), generator: options.generator });
}

/** Every column [out, in] gets ⌈sparsity·out⌉ zeros, the rest N(0, std²) (Martens 2010). */
export function sparse_(x: Tensor, options: RandomOptions & { sparsity: number; std?: number }): Tensor {
  checkOptions('sparse_', options, ['sparsity', 'std', 'generator']);
  const { sparsity, std = 0.01 } = options;
  const generator = generatorOf('sparse_', options.generator);
  checkFillable('sparse_', x);
  if (x.ndim !== 2) throw new OpError('sparse_', `takes a matrix [out, in], got ${showShape(x.shape)}`);
  checkNumber('sparse_', { sparsity }, { from: 0, to: 1 });
  checkNumber('sparse_', { std }, { from: 0 });
  const [rows, columns] = x.shape as [number, number];
  const values = Float32Array.from({ length: x.size }, () => std * generator.normal());
  const order = Array.from({ length: rows }, (_, i) => i);
  for (let column = 0; column < columns; column++) {
    for (let i = rows - 1; i > 0; i--) {
      const j = generator.integer(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    for (const row of order.slice(0, Math.ceil(sparsity * rows))) values[row * columns + column] = 0;
  }
  return x.set(values);
}
