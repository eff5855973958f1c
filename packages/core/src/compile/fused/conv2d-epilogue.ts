import { type Conv2dDirection, type Conv2dPlan, conv2dEpilogueChoice, type Epilogue, solve, type Target } from '@initlab/kernels';
import { defineOp, madeHere } from '../../op/op.js';
import { type Conv2dAttrs, packedPlan, problemOf } from '../../ops/product/conv2d.js';

/** A convolution, or its input gradient, that goes on with its results (see `Epilogue`). Made by rewrites only. */
export interface Conv2dEpilogueAttrs extends Conv2dAttrs {
  readonly direction: Exclude<Conv2dDirection, 'gradWeight'>;
  readonly dtype: 'f32' | 'f16';
  readonly bias: boolean;
  readonly epilogue: Epilogue;
}

const choiceOf = (attrs: Conv2dEpilogueAttrs) =>
  conv2dEpilogueChoice(problemOf(attrs, attrs.dtype, attrs.bias), attrs.direction, attrs.epilogue);

/** The plan of such a product that packs its own filters. */
export const planEpilogue = (attrs: Conv2dEpilogueAttrs, target: Target): Conv2dPlan => solve(choiceOf(attrs), target);

/** Operands beside the product's own: of the chain, then of the sums. */
const extra = ['chain1?', 'chain2?', 'chain3?', 'chain4?', 'normX?', 'normMean?', 'normRstd?', 'packed?'] as const;
const parts = {
  infer: madeHere,
  tunable: ({ attrs }: { readonly attrs: Conv2dEpilogueAttrs }) => choiceOf(attrs),
  plan: ({ attrs, target }: { readonly attrs: Conv2dEpilogueAttrs; readonly target: Target }) =>
    packedPlan(planEpilogue(attrs, target), attrs),
};

export const conv2dEpilogueOps = {
  forward: defineOp<Conv2dEpilogueAttrs>()({
    ...parts,
    name: 'conv2d',
    inputs: ['x', 'weight', 'bias?', ...extra],
    outputs: ['y', 'sums?'],
  }),
  gradInput: defineOp<Conv2dEpilogueAttrs>()({
    ...parts,
    name: 'conv2dGradInput',
    inputs: ['dy', 'weight', 'bias?', ...extra],
    outputs: ['dx', 'sums?'],
  }),
} as const;

/** How the sums are divided that such a product leaves on this target. */
export function epilogueParts(attrs: Conv2dEpilogueAttrs, target: Target): NonNullable<Conv2dPlan['parts']> {
  const { parts: made } = planEpilogue(attrs, target);
  if (!made) throw new Error('conv2d: this product leaves no sums');
  return made;
}
