import { defaultGenerator, type Tensor } from '@initlab/core';
import type { RandomOptions } from './fills.js';

/** Orthonormal columns of a random rows × columns matrix (rows ≥ columns), row-major, by Householder QR in float64. */
export function randomOrthonormal(rows: number, columns: number, normal: () => number): Float64Array {
  const a = Float64Array.from({ length: rows * columns }, normal);
  const at = (i: number, j: number): number => a[i * columns + j] as number;
  const signs = new Float64Array(columns);
  // Reflectors overwrite the lower part of `a`; the diagonal of R goes to `signs`.
  const betas = new Float64Array(columns);
  for (let k = 0; k < columns; k++) {
    let norm = 0;
    for (let i = k; i < rows; i++) norm += at(i, k) ** 2;
    norm = Math.sqrt(norm);
    const alpha = at(k, k) > 0 ? -norm : norm;
    signs[k] = Math.sign(alpha) || 1;
    a[k * columns + k] = at(k, k) - alpha;
    let length = 0;
    for (let i = k; i < rows; i++) length += at(i, k) ** 2;
    betas[k] = length > 0 ? 2 / length : 0;
    for (let j = k + 1; j < columns; j++) reflect(a, { rows, columns, k, beta: betas[k] as number, target: a, j });
  }
  const q = new Float64Array(rows * columns);
  for (let j = 0; j < columns; j++) q[j * columns + j] = 1;
  for (let k = columns - 1; k >= 0; k--)
    for (let j = 0; j < columns; j++) reflect(a, { rows, columns, k, beta: betas[k] as number, target: q, j });
  // Columns times sign(diag R): the distribution is then uniform (Mezzadri 2007), as PyTorch does.
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) q[i * columns + j] = (q[i * columns + j] as number) * (signs[j] as number);
  return q;
}

/** Apply reflector k (stored in column k of `a`) to column j of `target`. */
function reflect(a: Float64Array, step: { rows: number; columns: number; k: number; beta: number; target: Float64Array; j: number }): void {
  const { rows, columns, k, beta, target, j } = step;
  let dot = 0;
  for (let i = k; i < rows; i++) dot += (a[i * columns + k] as number) * (target[i * columns + j] as number);
  dot *= beta;
  for (let i = k; i < rows; i++) target[i * columns + j] = (target[i * columns + j] as number) - dot * (a[i * columns + k] as number);
}

/** The [out, in·kernel] matrix gets orthonormal rows or columns, times `gain` (Saxe et al., arXiv:1312.6120). */
export function orthogonal_(x: Tensor, { gain = 1, generator = defaultGenerator() }: RandomOptions & { gain?: number } = {}): Tensor {
  if (x.ndim < 2) throw new Error(`orthogonal_: takes two or more dimensions, got [${x.shape.join(', ')}]`);
  const rows = x.shape[0] as number;
  const columns = x.size / rows;
  const wide = rows < columns;
  const q = randomOrthonormal(Math.max(rows, columns), Math.min(rows, columns), () => generator.normal());
  const values = new Float32Array(x.size);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++)
      values[i * columns + j] = gain * (wide ? (q[j * rows + i] as number) : (q[i * columns + j] as number));
  return x.set(values);
}

/** Zero but for an orthogonal [out, in] matrix at the kernel's centre (Xiao et al., arXiv:1806.05393). out ≥ in. */
export function deltaOrthogonal_(x: Tensor, { gain = 1, generator = defaultGenerator() }: RandomOptions & { gain?: number } = {}): Tensor {
  const [out = 0, inputs = 0, height = 1, width = 1] = x.shape;
  if (x.ndim !== 4) throw new Error(`deltaOrthogonal_: takes a 2-D convolution's weight, got [${x.shape.join(', ')}]`);
  if (out < inputs) throw new Error(`deltaOrthogonal_: needs at least as many output as input channels, got ${inputs} → ${out}`);
  const q = randomOrthonormal(out, inputs, () => generator.normal());
  const values = new Float32Array(x.size);
  const centre = Math.floor(height / 2) * width + Math.floor(width / 2);
  for (let o = 0; o < out; o++)
    for (let c = 0; c < inputs; c++) values[(o * inputs + c) * height * width + centre] = gain * (q[o * inputs + c] as number);
  return x.set(values);
}
