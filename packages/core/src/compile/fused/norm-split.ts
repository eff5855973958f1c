import { planNormStats } from '@initlab/kernels';
import { defineOp } from '../../op/op.js';
import type { NormAttrs } from '../../ops/norm/norm-chain.js';
import { normProblem, statisticsSpec } from '../../ops/norm/norm-ops.js';

/** The first half of a norm, which the compiler takes apart where chains go on with the second: mean and 1/σ. */
export const normStatsOp = defineOp<NormAttrs>()({
  name: 'normStats',
  inputs: ['x', 'runningMean?', 'runningVar?'],
  outputs: ['mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: ({ x }, attrs) => ({ mean: statisticsSpec(x, attrs), rstd: statisticsSpec(x, attrs) }),
  plan: ({ inputs: { x, runningMean }, attrs, target }) => {
    const running = runningMean ? { momentum: attrs.momentum ?? 0.1 } : undefined;
    return planNormStats(normProblem(x, attrs, { affine: false, residual: false }), target, running);
  },
});
