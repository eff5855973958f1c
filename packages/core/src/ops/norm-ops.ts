import { type NormProblem, type Plan, planNormApply, planNormGrad, planNormStats } from '@initlab/kernels';
import { apply, type BackwardRule, defineOp, type OpDef } from '../op/op.js';
import type { TensorSpec } from '../tensor/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { type NormAttrs, normApplyChain } from './norm-chain.js';
import { composedFixedNormGrad, composedNormGrad } from './norm-composed.js';

type Specs = readonly (TensorSpec | undefined)[];

/** [N, C, H, W] or [N, C] as the kernels see it. */
export function normProblem(x: TensorSpec, attrs: NormAttrs, parts: Pick<NormProblem, 'affine' | 'residual' | 'addend'>): NormProblem {
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const rows = height * width;
  const whole = attrs.kind === 'batch';
  return {
    segments: whole ? 1 : batch,
    rows: whole ? batch * rows : rows,
    channels,
    groups: attrs.groups,
    eps: attrs.eps,
    dtype: x.dtype === 'f16' ? 'f16' : 'f32',
    activation: attrs.activation,
    ...parts,
  };
}

const imageFormat = ([x]: Specs): ('channelsLast' | 'keep')[] => (x?.shape.length === 4 ? ['channelsLast'] : ['keep']);
const join = (...plans: readonly Plan[]): Plan => ({
  variant: plans.map((plan) => plan.variant).join(' + '),
  temporaries: plans.flatMap((plan) => plan.temporaries),
  dispatches: plans.flatMap((plan) => plan.dispatches),
});
export const statisticsSpec = (x: TensorSpec, attrs: NormAttrs): TensorSpec => ({
  shape: [attrs.kind === 'batch' ? 1 : (x.shape[0] ?? 1), attrs.groups],
  dtype: 'f32',
  format: 'rowMajor',
});

/** Gradient kernels for one combination of operands; outputs are those that exist. */
function gradOp(fixed: boolean, affine: boolean, residual: boolean): OpDef<NormAttrs> {
  const outputs = ['dx', ...(affine ? ['dweight', 'dbias'] : []), ...(residual ? ['dresidual'] : [])];
  return defineOp<NormAttrs>({
    name: 'normGrad',
    // Only the compiler gives an addend.
    inputs: ['dy', 'x', 'mean', 'rstd', 'weight?', 'y?', 'addend?'],
    outputs,
    formats: (inputs) => inputs.map((v) => (v?.shape.length === 4 ? 'channelsLast' : 'keep')),
    infer: ([, x]) => {
      const image = x as TensorSpec;
      const perChannel: TensorSpec = { shape: [image.shape[1] ?? 1], dtype: 'f32', format: 'rowMajor' };
      return outputs.map((name) => (name === 'dx' || name === 'dresidual' ? image : perChannel));
    },
    plan: ({ inputs: [, x, , , , , addend], attrs, target }) =>
      planNormGrad(normProblem(x as TensorSpec, attrs, { affine, residual, addend: addend !== undefined }), target, fixed),
  });
}
const gradOps = new Map<string, OpDef<NormAttrs>>();
/** Of norms with their own statistics and no residual: dy, x, mean, rstd, weight? → dx, dweight?, dbias?. */
const trainingGrads = new Set<object>();
export const isTrainingGrad = (op: object): boolean => trainingGrads.has(op);

function fusedGrad(fixed: boolean): BackwardRule<NormAttrs> {
  return ({ grads: [dy], inputs: [x, first, second, third, , fifth], outputs, attrs }) => {
    // Training: x, weight, bias, residual, …; fixed statistics: x, mean, rstd, weight, bias, residual.
    const [weight, residual] = fixed ? [third, fifth] : [first, third];
    const [mean, rstd] = fixed ? [first, second] : [outputs[1], outputs[2]];
    const y = outputs[0];
    if (!dy || !x || !mean || !rstd || !y) return [];
    const key = `${fixed} ${weight !== undefined} ${residual !== undefined}`;
    let op = gradOps.get(key);
    if (!op) {
      op = gradOp(fixed, weight !== undefined, residual !== undefined);
      gradOps.set(key, op);
      if (!fixed && !residual) trainingGrads.add(op);
    }
    const [dx, ...rest] = apply(op, [dy, x, mean, rstd, weight, attrs.activation ? y : undefined], attrs);
    const [dweight, dbias] = weight ? rest : [];
    const dresidual = residual ? rest.at(-1) : undefined;
    return fixed ? [dx, undefined, undefined, dweight, dbias, dresidual] : [dx, dweight, dbias, dresidual];
  };
}

/** Normalise with the batch's own statistics. Outputs y, mean, rstd. */
export const normTrainOp: OpDef<NormAttrs> = defineOp<NormAttrs>({
  name: 'norm',
  inputs: ['x', 'weight?', 'bias?', 'residual?', 'runningMean?', 'runningVar?'],
  outputs: ['y', 'mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  formats: ([x, , , residual]) => [...imageFormat([x]), 'keep', 'keep', ...(residual ? imageFormat([residual]) : ['keep' as const])],
  infer: ([x], attrs) => {
    const image = x as TensorSpec;
    const y: TensorSpec = { ...image, format: image.shape.length === 4 ? 'channelsLast' : 'rowMajor' };
    return [y, statisticsSpec(image, attrs), statisticsSpec(image, attrs)];
  },
  plan: ({ inputs: [x, weight, , residual, runningMean], attrs, target }) => {
    const problem = normProblem(x as TensorSpec, attrs, { affine: weight !== undefined, residual: residual !== undefined });
    const running = runningMean ? { momentum: attrs.momentum ?? 0.1 } : undefined;
    return join(planNormStats(problem, target, running), planNormApply(problem, target));
  },
  backward: fusedGrad(false),
  backwardComposed: ({ grads: [g], inputs: [x, weight], attrs }) => (g && x ? composedNormGrad({ g, x, weight, attrs }) : []),
});

/** Normalise with given mean and 1/σ (batch norm in evaluation). */
export const normFixedOp: OpDef<NormAttrs> = defineOp<NormAttrs>({
  name: 'normFixed',
  inputs: ['x', 'mean', 'rstd', 'weight?', 'bias?', 'residual?'],
  outputs: ['y'],
  formats: ([x, , , , , residual]) => [
    ...imageFormat([x]),
    'keep',
    'keep',
    'keep',
    'keep',
    ...(residual ? imageFormat([residual]) : ['keep' as const]),
  ],
  infer: ([x]) => [{ ...(x as TensorSpec), format: x?.shape.length === 4 ? 'channelsLast' : 'rowMajor' }],
  plan: ({ inputs: [x, , , weight, , residual], attrs, target }) =>
    planNormApply(normProblem(x as TensorSpec, attrs, { affine: weight !== undefined, residual: residual !== undefined }), target),
  pointwise: normApplyChain,
  backward: fusedGrad(true),
  backwardComposed: ({ grads: [g], inputs: [x, mean, rstd, weight] }) => {
    if (!g || !x || !mean || !rstd) return [];
    const [dx, dweight, dbias] = composedFixedNormGrad({ g, x, mean, rstd, weight });
    return [dx, undefined, undefined, dweight, dbias];
  },
});

export const normTrain = (inputs: readonly (Tensor | undefined)[], attrs: NormAttrs): Tensor =>
  apply(normTrainOp, inputs, attrs)[0] as Tensor;
