import type { ProductSize } from '../../product-cost.js';

/**
 * C[m, n] = Σ_k A[m, k] · B[k, n] (+ bias[n]). Row-major; a transposed operand is stored with its axes exchanged.
 * Slots: a, b, bias? → y.
 */
export interface MatmulProblem {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  /** A is stored [k, m]. */
  readonly transposeA: boolean;
  /** B is stored [n, k]. */
  readonly transposeB: boolean;
  readonly dtype: 'f32' | 'f16';
  readonly bias: boolean;
}

/** Name of a product in tuned tables: every field of the problem. */
export const matmulKey = ({ m, n, k, transposeA, transposeB, dtype, bias }: MatmulProblem): string =>
  `matmul ${dtype}${bias ? ' bias' : ''} ${m}×${k}${transposeA ? 'ᵀ' : ''} · ${k}×${n}${transposeB ? 'ᵀ' : ''}`;

/** Distance in elements between neighbours of an operand along its two axes. */
export interface MatrixStrides {
  readonly row: number;
  readonly column: number;
}

export function matmulStrides(p: MatmulProblem): { a: MatrixStrides; b: MatrixStrides } {
  return {
    a: p.transposeA ? { row: 1, column: p.m } : { row: p.k, column: 1 },
    b: p.transposeB ? { row: 1, column: p.k } : { row: p.n, column: 1 },
  };
}

/** What the cost of a product is told of it. */
export const matmulSize = ({ m, n, k }: MatmulProblem): ProductSize => ({
  rows: m,
  columns: n,
  depth: k,
  products: 1,
  elements: m * n,
  dispatches: 1,
});
