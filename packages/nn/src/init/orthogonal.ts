import { OpError, type Tensor } from '@initlab/core';
import { checkNumber, checkOptions, showShape } from '@initlab/core/internal';
import { checkFillable, generatorOf } from './check-fillable.js';
import type { RandomOptions } from './fills.js';

/**
 * Orthonormal columns of a random rows × columns matrix (rows ≥ columns), row-major, in float64: the Q of its QR with a
 * positive diagonal of R, which makes the distribution uniform (Mezzadri 2007), as PyTorch does. Gram–Schmidt, with
 * a second pass for columns that are nearly dependent on those before.
 */
export function randomOrthonormal(rows: number, columns: number, normal: () => number): Float64Array {
  const drawn = Float64Array.from({ length: rows * columns }, normal);
  const basis: Float64Array[] = [];
  // Columns go in blocks, so that each finished one is fetched from memory once for all of a block.
  for (let start = 0; start < columns; start += 16) {
    const block = Array.from({ length: Math.min(16, columns - start) }, (_, j) =>
      Float64Array.from({ length: rows }, (_, i) => drawn[i * columns + start + j] as number),
    );
    const sizes = block.map((column) => Math.sqrt(dot(column, column)));
    for (const other of basis) for (const column of block) subtract(column, other, dot(column, other));
    for (const [j, column] of block.entries()) {
      for (const other of block.slice(0, j)) subtract(column, other, dot(column, other));
      // A column that was nearly dependent has lost digits; others need no second pass.
      if (Math.sqrt(dot(column, column)) < 1e-3 * (sizes[j] as number))
        for (const other of basis) subtract(column, other, dot(column, other));
      const length = Math.sqrt(dot(column, column));
      for (let i = 0; i < rows; i++) column[i] = (column[i] as number) / length;
      basis.push(column);
    }
  }
  const q = new Float64Array(rows * columns);
  basis.forEach((column, j) => {
    for (let i = 0; i < rows; i++) q[i * columns + j] = column[i] as number;
  });
  return q;
}

/** Four sums side by side, so that one addition need not wait for the last. */
function dot(a: Float64Array, b: Float64Array): number {
  let [s0, s1, s2, s3] = [0, 0, 0, 0];
  const whole = a.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    s0 += (a[i] as number) * (b[i] as number);
    s1 += (a[i + 1] as number) * (b[i + 1] as number);
    s2 += (a[i + 2] as number) * (b[i + 2] as number);
    s3 += (a[i + 3] as number) * (b[i + 3] as number);
  }
  for (let i = whole; i < a.length; i++) s0 += (a[i] as number) * (b[i] as number);
  return s0 + s1 + (s2 + s3);
}

function subtract(a: Float64Array, b: Float64Array, factor: number): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) - factor * (b[i] as number);
}

/** The [out, in·kernel] matrix gets orthonormal rows or columns, times `gain` (Saxe et al., arXiv:1312.6120). */
export function orthogonal_(x: Tensor, options: RandomOptions & { gain?: number } = {}): Tensor {
  checkOptions('orthogonal_', options, ['gain', 'generator']);
  const { gain = 1 } = options;
  const generator = generatorOf('orthogonal_', options.generator);
  checkFillable('orthogonal_', x);
  checkNumber('orthogonal_', { gain });
  if (x.ndim < 2) throw new OpError('orthogonal_', `takes two or more dimensions, got ${showShape(x.shape)}`);
  if (x.size === 0) return x;
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
export function deltaOrthogonal_(x: Tensor, options: RandomOptions & { gain?: number } = {}): Tensor {
  checkOptions('deltaOrthogonal_', options, ['gain', 'generator']);
  const { gain = 1 } = options;
  const generator = generatorOf('deltaOrthogonal_', options.generator);
  checkFillable('deltaOrthogonal_', x);
  const [out = 0, inputs = 0, height = 1, width = 1] = x.shape;
  checkNumber('deltaOrthogonal_', { gain });
  if (x.ndim !== 4) throw new OpError('deltaOrthogonal_', `takes a 2-D convolution's weight, got ${showShape(x.shape)}`);
  if (x.size === 0) return x;
  if (out < inputs) throw new OpError('deltaOrthogonal_', `needs at least as many output as input channels, got ${inputs} → ${out}`);
  const q = randomOrthonormal(out, inputs, () => generator.normal());
  const values = new Float32Array(x.size);
  const centre = Math.floor(height / 2) * width + Math.floor(width / 2);
  for (let o = 0; o < out; o++)
    for (let c = 0; c < inputs; c++) values[(o * inputs + c) * height * width + centre] = gain * (q[o * inputs + c] as number);
  return x.set(values);
}
