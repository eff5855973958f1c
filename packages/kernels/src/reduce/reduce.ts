import type { Plan, Target } from '../plan.js';
import type { PointwiseChain } from '../pointwise/chain.js';
import { planChainReduce } from './chain-reduce.js';
import type { ReduceKind } from './kind.js';

export interface ReduceProblem {
  readonly kind: ReduceKind;
  /** Input dimensions in memory order. */
  readonly shape: readonly number[];
  /** Which of them are reduced. */
  readonly reduced: readonly boolean[];
  readonly dtype: 'f32' | 'f16';
  /** Type of the result; default: the input's. */
  readonly outDtype?: 'f32' | 'f16';
  /** Multiplies the result (1 / count for a mean). */
  readonly scale?: number;
}

/** Reduce one tensor over any dimensions. Slots: x0, y0 (the kept dimensions, in memory order). */
export function planReduce({ kind, shape, reduced, dtype, outDtype = dtype, scale = 1 }: ReduceProblem, target: Target): Plan {
  const chain: PointwiseChain = {
    shape,
    inputs: [{ dtype, strides: shape.map((_, d) => shape.slice(d + 1).reduce((a, b) => a * b, 1)) }],
    steps: [],
    outputs: [{ value: { input: 0 }, dtype: outDtype }],
  };
  return planChainReduce({ kind, chain, reduced, results: [scale] }, target);
}
