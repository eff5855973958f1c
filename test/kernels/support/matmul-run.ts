import { fromHalf, toHalf } from '@initlab/core';
import type { MatmulProblem, Plan } from '@initlab/kernels';
import type { Bound } from '../../support/close.js';
import { parityFill } from '../../support/parity-fill.js';
import type { RawGpu } from '../../support/raw-gpu.js';

/** A product from its unusual parts. */
export const matmulProblem = (parts: Partial<MatmulProblem>): MatmulProblem => ({
  m: 1,
  n: 1,
  k: 1,
  transposeA: false,
  transposeB: false,
  dtype: 'f32',
  bias: false,
  ...parts,
});

/** Sums of halves are rounded once, to half: 2⁻¹¹ of the largest value, and a little. */
export const matmulHalfBound: Bound = { absolute: 1e-6, relative: 6e-4 };

export const showMatmul = ({ m, n, k, transposeA, transposeB, dtype, bias }: MatmulProblem): string =>
  `${m}×${k}${transposeA ? 'ᵀ' : ''} · ${k}×${n}${transposeB ? 'ᵀ' : ''} ${dtype}${bias ? ' + bias' : ''}`;

export interface MatmulOperands {
  readonly a: Float32Array<ArrayBuffer>;
  readonly b: Float32Array<ArrayBuffer>;
  readonly bias: Float32Array<ArrayBuffer>;
}

/** Operands as they are stored; what a half would round is rounded already. */
export function matmulOperands({ m, n, k, dtype }: MatmulProblem): MatmulOperands {
  const make = (count: number, seed: number): Float32Array<ArrayBuffer> =>
    parityFill(count, { seed }).map((v) => (dtype === 'f16' ? fromHalf(toHalf(v)) : v));
  return { a: make(m * k, 1), b: make(k * n, 2), bias: make(n, 3) };
}

/** The product in float64. */
export function matmulOnCpu({ m, n, k, transposeA, transposeB, bias }: MatmulProblem, data: MatmulOperands): Float64Array {
  const y = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = bias ? (data.bias[j] as number) : 0;
      for (let s = 0; s < k; s++)
        sum += (data.a[transposeA ? s * m + i : i * k + s] as number) * (data.b[transposeB ? j * k + s : s * n + j] as number);
      y[i * n + j] = sum;
    }
  return y;
}

export async function runMatmul(
  gpu: RawGpu,
  { plan, problem, data }: { plan: Plan; problem: MatmulProblem; data: MatmulOperands },
): Promise<ArrayLike<number>> {
  const half = problem.dtype === 'f16';
  // Writes to buffers come in fours of bytes: an odd count of halves gets one more.
  const store = (values: Float32Array<ArrayBuffer>): ArrayBufferView =>
    half ? Uint16Array.from({ length: Math.ceil(values.length / 2) * 2 }, (_, i) => toHalf(values[i] ?? 0)) : values;
  const inputs = { a: store(data.a), b: store(data.b), ...(problem.bias ? { bias: store(data.bias) } : {}) };
  const { y } = await gpu.run(plan, inputs, { y: problem.m * problem.n * (half ? 2 : 4) });
  return half ? Float32Array.from(new Uint16Array(y as ArrayBuffer), fromHalf) : new Float32Array(y as ArrayBuffer);
}
