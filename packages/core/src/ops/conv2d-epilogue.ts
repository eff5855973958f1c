import { type Conv2dDirection, conv2dEpilogueTunable, type Epilogue, type Plan, solve, type Target } from '@initlab/kernels';
import { defineOp, type OpDef } from '../op/op-def.js';
import { type Conv2dAttrs, packedPlan, problemOf } from './conv2d.js';

/** A convolution, or its input gradient, that goes on with its results (see `Epilogue`). Made by rewrites only. */
export interface Conv2dEpilogueAttrs extends Conv2dAttrs {
  readonly direction: Exclude<Conv2dDirection, 'gradWeight'>;
  readonly dtype: 'f32' | 'f16';
  readonly bias: boolean;
  readonly epilogue: Epilogue;
}

/** Operands beside the product's own: of the chain, then of the sums. */
const epilogueSlots = ['e1?', 'e2?', 'e3?', 'e4?', 'sumX?', 'sumMean?', 'sumRstd?', 'packed?'] as const;

const tunableOf = (attrs: Conv2dEpilogueAttrs) =>
  conv2dEpilogueTunable(problemOf(attrs, attrs.dtype, attrs.bias), attrs.direction, attrs.epilogue);

const epilogueOp = (name: string, inputs: readonly string[], result: string): OpDef<Conv2dEpilogueAttrs> =>
  defineOp<Conv2dEpilogueAttrs>({
    name,
    inputs: [...inputs, ...epilogueSlots],
    outputs: [result, 'sums'],
    infer: () => {
      throw new Error(`${name}: made while compiling only`);
    },
    tunable: ({ attrs }) => tunableOf(attrs),
    plan: ({ attrs, target }) => packedPlan(solve(tunableOf(attrs), target), attrs),
  });

export const conv2dEpilogueOps = {
  forward: epilogueOp('conv2d', ['x', 'weight', 'bias?'], 'y'),
  gradInput: epilogueOp('conv2dGradInput', ['dy', 'weight', 'bias?'], 'dx'),
} as const;

/** How the sums are divided that such a product leaves on this target. */
export function epilogueParts(attrs: Conv2dEpilogueAttrs, target: Target): NonNullable<Plan['parts']> {
  const { parts } = solve(tunableOf(attrs), target);
  if (!parts) throw new Error('conv2d: this product leaves no sums');
  return parts;
}
