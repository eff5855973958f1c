import type { Product } from './power-iteration.js';
import { tridiagonalEigenvalues } from './tridiagonal.js';

export interface LanczosOptions {
  readonly start: Float64Array;
  /** How many of the largest eigenvalues. */
  readonly top: number;
  /** Most products. */
  readonly iterations: number;
  /** Relative change of the eigenvalues from one product to the next that ends it, three times in a row. Default 1e-4. */
  readonly tolerance?: number;
  readonly onIteration?: (iteration: number, largest: number) => void;
}

export interface LanczosResult {
  /** Descending; fewer than asked for where the matrix has fewer distinct ones. */
  readonly largest: readonly number[];
  readonly smallest: number;
  readonly iterations: number;
  readonly converged: boolean;
}

/**
 * The largest eigenvalues of a symmetric matrix that is known by its products, and the smallest: Lanczos' method with every new
 * vector made orthogonal to all before it, twice, so that none appears again by rounding (Parlett, The Symmetric Eigenvalue Problem).
 */
export async function lanczos(product: Product, options: LanczosOptions): Promise<LanczosResult> {
  const { start, top, iterations, tolerance = 1e-4, onIteration } = options;
  const size = start.length;
  const basis: Float64Array[] = [scaled(start, 1 / norm(start))];
  const diagonal: number[] = [];
  const beside: number[] = [];
  let found: number[] = [];
  let still = 0;
  while (still < 3 && diagonal.length < Math.min(iterations, size)) {
    const q = basis[diagonal.length] as Float64Array;
    const next = await product(q, diagonal.length + 1);
    diagonal.push(dot(q, next));
    const former = found;
    found = tridiagonalEigenvalues(diagonal, beside);
    onIteration?.(diagonal.length, found[0] as number);
    const close = (k: number): boolean =>
      Math.abs((found[k] as number) - (former[k] as number)) <= tolerance * Math.abs(found[k] as number);
    still = former.length >= top && Array.from({ length: top }, (_, k) => close(k)).every(Boolean) ? still + 1 : 0;
    for (let pass = 0; pass < 2; pass++) for (const each of basis) subtract(next, each, dot(each, next));
    const length = norm(next);
    // What is left is rounding: the space is used up, and all eigenvalues in it are found.
    if (!(length > 1e-7 * Math.max(...found.map(Math.abs)))) {
      still = 3;
      break;
    }
    beside.push(length);
    basis.push(scaled(next, 1 / length));
  }
  return {
    largest: found.slice(0, top),
    smallest: found.at(-1) as number,
    iterations: diagonal.length,
    converged: found.every(Number.isFinite) && (still >= 3 || diagonal.length >= size),
  };
}

const dot = (a: Float64Array, b: Float64Array): number => {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += (a[i] as number) * (b[i] as number);
  return total;
};
const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));
const scaled = (a: Float64Array, by: number): Float64Array => a.map((x) => x * by);
const subtract = (a: Float64Array, b: Float64Array, times: number): void => {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] as number) - times * (b[i] as number);
};
