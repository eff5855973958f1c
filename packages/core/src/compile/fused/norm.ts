import { mergeMoments, planNormGradJoined, planNormJoined, planNormStats, single } from '@initlab/kernels';
import { defineOp, madeHere } from '../../op/op.js';
import type { NormAttrs } from '../../ops/norm/norm-chain.js';
import { normProblem, runningOf } from '../../ops/norm/norm-ops.js';
import { type Conv2dEpilogueAttrs, epilogueParts } from './conv2d-epilogue.js';

/** A norm whose sums come with its operand from a product's epilogue. Made by rewrites only. */
export interface NormJoinedAttrs extends NormAttrs {
  /** The product that leaves the sums: how they are divided depends on its kernel. */
  readonly producer: Conv2dEpilogueAttrs;
}

/** The first half of a norm, which the compiler takes apart where chains go on with the second: mean and 1/σ. */
export const normStatsOp = defineOp<NormAttrs>()({
  name: 'normStats',
  inputs: ['x', 'runningMean?', 'runningVar?'],
  outputs: ['mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: madeHere,
  plan: ({ inputs, attrs, target }) => planNormStats(normProblem(inputs, attrs), target, runningOf(inputs, attrs)),
});

/** As `normTrainOp`, with the moments of x given. */
export const normJoinedOp = defineOp<NormJoinedAttrs>()({
  name: 'norm',
  inputs: ['x', 'sums', 'weight?', 'bias?', 'residual?', 'runningMean?', 'runningVar?'],
  outputs: ['y', 'mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: madeHere,
  plan: ({ inputs, attrs, target }) =>
    planNormJoined(normProblem(inputs, attrs), {
      parts: epilogueParts(attrs.producer, target),
      target,
      running: runningOf(inputs, attrs),
    }),
});

/** As `normStatsOp`, with the moments of x given; x itself is read where its squares are beyond f32. */
export const normStatsJoinedOp = defineOp<NormJoinedAttrs>()({
  name: 'normStats',
  inputs: ['x', 'sums', 'runningMean?', 'runningVar?'],
  outputs: ['mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: madeHere,
  plan: ({ inputs, attrs, target }) => {
    const merge = mergeMoments(normProblem(inputs, attrs), {
      parts: epilogueParts(attrs.producer, target),
      from: 'sums',
      target,
      running: runningOf(inputs, attrs),
    });
    return single(merge);
  },
});

/** As a norm's gradient, with the sums over dy given. */
export const normGradJoinedOp = defineOp<NormJoinedAttrs>()({
  name: 'normGrad',
  inputs: ['dy', 'x', 'mean', 'rstd', 'sums', 'weight?', 'addend?'],
  outputs: ['dx', 'dweight?', 'dbias?'],
  infer: madeHere,
  plan: ({ inputs, attrs, target }) =>
    planNormGradJoined(normProblem(inputs, attrs), { parts: epilogueParts(attrs.producer, target), target }),
});
