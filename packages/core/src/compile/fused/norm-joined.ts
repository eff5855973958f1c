import { mergeMoments, planNormGradJoined, planNormJoined, single } from '@initlab/kernels';
import { defineOp } from '../../op/op-def.js';
import type { NormAttrs } from '../../ops/norm/norm-chain.js';
import { normProblem } from '../../ops/norm/norm-ops.js';
import type { TensorSpec } from '../../storage/spec.js';
import { type Conv2dEpilogueAttrs, epilogueParts } from './conv2d-epilogue.js';
import { madeHere } from './made-here.js';

/** A norm whose sums come with its operand from a product's epilogue. Made by rewrites only. */
export interface NormJoinedAttrs extends NormAttrs {
  /** The product that leaves the sums: how they are divided depends on its kernel. */
  readonly producer: Conv2dEpilogueAttrs;
}

const runningOf = (runningMean: TensorSpec | undefined, { momentum }: NormAttrs) =>
  runningMean ? { momentum: momentum ?? 0.1 } : undefined;

/** As `normTrainOp`, with the moments of x given. */
export const normJoinedOp = defineOp<NormJoinedAttrs>()({
  name: 'norm',
  inputs: ['x', 'sums', 'weight?', 'bias?', 'residual?', 'runningMean?', 'runningVar?'],
  outputs: ['y', 'mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: madeHere,
  plan: ({ inputs: { x, weight, residual, runningMean }, attrs, target }) =>
    planNormJoined(normProblem(x, attrs, { affine: weight !== undefined, residual: residual !== undefined }), {
      parts: epilogueParts(attrs.producer, target),
      target,
      running: runningOf(runningMean, attrs),
    }),
});

/** As `normStatsOp`, with the moments of x given; x itself is read where its squares are beyond f32. */
export const normStatsJoinedOp = defineOp<NormJoinedAttrs>()({
  name: 'normStats',
  inputs: ['x', 'sums', 'runningMean?', 'runningVar?'],
  outputs: ['mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  infer: madeHere,
  plan: ({ inputs: { x, runningMean }, attrs, target }) => {
    const merge = mergeMoments(normProblem(x, attrs, { affine: false, residual: false }), {
      parts: epilogueParts(attrs.producer, target),
      from: 'sums',
      target,
      running: runningOf(runningMean, attrs),
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
  plan: ({ inputs: { x, weight, addend }, attrs, target }) =>
    planNormGradJoined(normProblem(x, attrs, { affine: weight !== undefined, residual: false, addend: addend !== undefined }), {
      parts: epilogueParts(attrs.producer, target),
      target,
    }),
});
