import { type NormProblem, type Plan, planNormApply, planNormGrad, planNormStats } from '@initlab/kernels';
import { apply, defineOp, type FormatWish } from '../../op/op.js';
import { floatType, rowMajor, type TensorSpec } from '../../storage/spec.js';
import type { Tensor } from '../../tensor/tensor.js';
import { type NormAttrs, normApplyChain } from './norm-chain.js';
import { composedFixedNormGrad, composedNormGrad, type FixedNormGrad } from './norm-composed.js';

/** What of a norm's operands its kernels go by. */
interface NormOperands {
  readonly x: TensorSpec;
  readonly weight?: TensorSpec | undefined;
  readonly residual?: TensorSpec | undefined;
  readonly addend?: TensorSpec | undefined;
}

/** [N, C, H, W] or [N, C] as the kernels see it. */
export function normProblem({ x, weight, residual, addend }: NormOperands, attrs: NormAttrs): NormProblem {
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const rows = height * width;
  const whole = attrs.kind === 'batch';
  return {
    segments: whole ? 1 : batch,
    rows: whole ? batch * rows : rows,
    channels,
    groups: attrs.groups,
    eps: attrs.eps,
    dtype: floatType(x.dtype),
    activation: attrs.activation,
    affine: weight !== undefined,
    residual: residual !== undefined,
    addend: addend !== undefined,
  };
}

/** How the running statistics move, where there are some. */
export const runningOf = ({ runningMean }: { readonly runningMean?: TensorSpec | undefined }, { momentum = 0.1 }: NormAttrs) =>
  runningMean && { momentum };

const imageFormat = (x: TensorSpec | undefined): FormatWish => (x?.shape.length === 4 ? 'channelsLast' : 'keep');
const normalised = (x: TensorSpec): TensorSpec => ({ ...x, format: x.shape.length === 4 ? 'channelsLast' : 'rowMajor' });
const join = (...plans: readonly Plan[]): Plan => ({
  variant: plans.map((plan) => plan.variant).join(' + '),
  temporaries: plans.flatMap((plan) => plan.temporaries),
  dispatches: plans.flatMap((plan) => plan.dispatches),
});
const statisticsSpec = (x: TensorSpec, attrs: NormAttrs): TensorSpec =>
  rowMajor([attrs.kind === 'batch' ? 1 : (x.shape[0] ?? 1), attrs.groups]);

interface NormGradAttrs extends NormAttrs {
  /** The statistics were given: they are constants. */
  readonly fixed: boolean;
  /** There was a residual, which gets a gradient. */
  readonly residual: boolean;
}

/** Gradient of a norm with everything that it had; absent operands have no gradient. */
export const normGradOp = defineOp<NormGradAttrs>()({
  name: 'normGrad',
  // `y` where there was an activation. Only the compiler gives an addend.
  inputs: ['dy', 'x', 'mean', 'rstd', 'weight?', 'y?', 'addend?'],
  outputs: ['dx', 'dweight?', 'dbias?', 'dresidual?'],
  formats: (inputs) => ({ dy: imageFormat(inputs.dy), x: imageFormat(inputs.x), y: imageFormat(inputs.y) }),
  infer: ({ x, weight }, { residual }) => {
    const perChannel = rowMajor([x.shape[1] ?? 1]);
    const affine = weight && { dweight: perChannel, dbias: perChannel };
    return { dx: x, ...affine, ...(residual ? { dresidual: x } : {}) };
  },
  plan: ({ inputs, attrs, target }) =>
    planNormGrad(normProblem({ ...inputs, residual: attrs.residual ? inputs.x : undefined }, attrs), target, attrs.fixed),
});

interface Normed extends Omit<FixedNormGrad, 'g'> {
  readonly dy: Tensor;
  readonly residual: Tensor | undefined;
  readonly y: Tensor;
}

function fusedGrad({ residual, y, ...operands }: Normed, attrs: NormAttrs, fixed: boolean) {
  const had = { ...attrs, fixed, residual: residual !== undefined };
  const { dx, dweight, dbias, dresidual } = apply(normGradOp, { ...operands, y: attrs.activation ? y : undefined }, had);
  return { x: dx, weight: dweight, bias: dbias, residual: dresidual };
}

/** Normalise with the batch's own statistics. */
export const normTrainOp = defineOp<NormAttrs>()({
  name: 'norm',
  inputs: ['x', 'weight?', 'bias?', 'residual?', 'runningMean?', 'runningVar?'],
  outputs: ['y', 'mean', 'rstd'],
  mutates: ['runningMean', 'runningVar'],
  formats: ({ x, residual }) => ({ x: imageFormat(x), residual: imageFormat(residual) }),
  infer: ({ x }, attrs) => ({ y: normalised(x), mean: statisticsSpec(x, attrs), rstd: statisticsSpec(x, attrs) }),
  plan: ({ inputs, attrs, target }) => {
    const problem = normProblem(inputs, attrs);
    return join(planNormStats(problem, target, runningOf(inputs, attrs)), planNormApply(problem, target));
  },
  backward: ({ grads: { y: dy }, inputs: { x, weight, residual }, outputs: { y, mean, rstd }, attrs }) =>
    dy ? fusedGrad({ dy, x, mean, rstd, weight, residual, y }, attrs, false) : {},
  backwardComposed: ({ grads: { y: g }, inputs: { x, weight }, attrs }) => (g ? composedNormGrad({ g, x, weight, attrs }) : {}),
});

/** Normalise with given mean and 1/σ (batch norm in evaluation). */
export const normFixedOp = defineOp<NormAttrs>()({
  name: 'normFixed',
  inputs: ['x', 'mean', 'rstd', 'weight?', 'bias?', 'residual?'],
  outputs: ['y'],
  formats: ({ x, residual }) => ({ x: imageFormat(x), residual: imageFormat(residual) }),
  infer: ({ x }) => ({ y: normalised(x) }),
  plan: ({ inputs, attrs, target }) => planNormApply(normProblem(inputs, attrs), target),
  pointwise: normApplyChain,
  backward: ({ grads: { y: dy }, inputs: { x, mean, rstd, weight, residual }, outputs: { y }, attrs }) =>
    fusedGrad({ dy, x, mean, rstd, weight, residual, y }, attrs, true),
  backwardComposed: ({ grads: { y: g }, inputs: { x, mean, rstd, weight } }) => composedFixedNormGrad({ g, x, mean, rstd, weight }),
});
