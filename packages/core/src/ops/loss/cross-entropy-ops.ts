import {
  type CrossEntropyProblem,
  type PointwiseChain,
  planCrossEntropy,
  planFills,
  planLossMean,
  planPointwise,
  statsWidth,
} from '@initlab/kernels';
import { applyOne, defineOp } from '../../op/op.js';
import { floatType, rowMajor, type TensorSpec } from '../../storage/spec.js';
import { tensor } from '../../tensor/create.js';
import type { Tensor } from '../../tensor/tensor.js';
import { logSoftmax } from '../activation/softmax.js';
import { add, div, equal, mul, notEqual, sub } from '../pointwise/binary.js';
import { cast } from '../pointwise/cast.js';
import { exp } from '../pointwise/unary.js';
import { where } from '../pointwise/where.js';
import { expand, sum } from '../sum/sum.js';
import { reshape } from '../views/reshape.js';

export interface CrossEntropyAttrs {
  readonly labelSmoothing: number;
  readonly ignoreIndex: number;
  readonly target: 'class' | 'probabilities';
}

function problemOf(
  { logits: { shape, dtype }, weight }: { readonly logits: TensorSpec; readonly weight?: TensorSpec | undefined },
  { labelSmoothing, ignoreIndex, target }: CrossEntropyAttrs,
): CrossEntropyProblem {
  const [rows = 0, classes = 0] = shape;
  return {
    rows,
    classes,
    labelSmoothing,
    ignoreIndex,
    target,
    weighted: weight !== undefined,
    dtype: floatType(dtype),
  };
}

const gradOp = defineOp<CrossEntropyAttrs>()({
  name: 'crossEntropyGrad',
  inputs: ['g', 'logits', 'target', 'stats', 'weight?'],
  outputs: ['dlogits'],
  infer: ({ logits }) => ({ dlogits: logits }),
  plan: ({ inputs, attrs, target }) => planCrossEntropy(problemOf(inputs, attrs), 'backward', target),
});

/** Losses of rows of logits: classes [N] (i32) or probabilities [N, C] (f32) as target, weights [C]. Outputs loss [N], stats. */
export const crossEntropyOp = defineOp<CrossEntropyAttrs>()({
  name: 'crossEntropy',
  inputs: ['logits', 'target', 'weight?'],
  outputs: ['loss', 'stats'],
  infer: (inputs, attrs) => {
    const rows = inputs.logits.shape[0] ?? 0;
    return { loss: rowMajor([rows]), stats: rowMajor([rows, statsWidth(problemOf(inputs, attrs))]) };
  },
  plan: ({ inputs, attrs, target }) => planCrossEntropy(problemOf(inputs, attrs), 'forward', target),
  backward: ({ grads: { loss: g }, inputs: { logits, target, weight }, outputs: { stats }, attrs, needs }) => {
    if (!g) return {};
    return {
      logits: needs.logits ? applyOne(gradOp, { g, logits, target, stats, weight }, attrs) : undefined,
      target: needs.target ? targetGrad({ g, logits, weight }, attrs) : undefined,
    };
  },
  backwardComposed: ({ grads: { loss: g }, inputs: { logits, target, weight }, attrs, needs }) => {
    if (!g) return {};
    return {
      logits: logitsGrad({ g, logits, target, weight }, attrs),
      target: needs.target ? targetGrad({ g, logits, weight }, attrs) : undefined,
    };
  },
});

interface Rows {
  readonly g: Tensor;
  readonly logits: Tensor;
  readonly weight: Tensor | undefined;
}
const asColumn = (x: Tensor): Tensor => reshape(x, [x.size, 1]);
const asRow = (x: Tensor): Tensor => reshape(x, [1, x.size]);
const logProbabilities = (logits: Tensor): Tensor => logSoftmax(cast(logits, 'f32'), { dim: 1 });

/** −(1 − ε) · weight · log p: of probabilities as target, in differentiable ops. */
function targetGrad({ g, logits, weight }: Rows, { labelSmoothing }: CrossEntropyAttrs): Tensor {
  const each = mul(mul(asColumn(g), labelSmoothing - 1), logProbabilities(logits));
  return weight ? mul(each, asRow(weight)) : each;
}

/** p · Σ wanted − wanted, in differentiable ops. */
function logitsGrad({ g, logits, target, weight }: Rows & { readonly target: Tensor }, attrs: CrossEntropyAttrs): Tensor {
  const { labelSmoothing, ignoreIndex, target: kind } = attrs;
  const classes = logits.shape[1] as number;
  const classed = kind === 'class';
  const labels = classed ? asColumn(cast(target, 'f32')) : undefined;
  const numbers = (): Tensor =>
    tensor(
      Float32Array.from({ length: classes }, (_, i) => i),
      { shape: [1, classes], device: logits.device },
    );
  const share = labels ? equal(labels, numbers()) : target;
  const smoothed = add(mul(share, 1 - labelSmoothing), labelSmoothing / classes);
  const wanted = weight ? mul(smoothed, asRow(weight)) : smoothed;
  const probabilities = exp(logProbabilities(logits));
  const plain = classed && !weight;
  const difference = sub(plain ? probabilities : mul(probabilities, sum(wanted, { dims: [1], keepdim: true })), wanted);
  // Chosen, not multiplied: where all rows are ignored the gradient of their mean is NaN.
  const column = labels ? where(notEqual(labels, ignoreIndex), asColumn(g), 0) : asColumn(g);
  return cast(mul(column, difference), logits.dtype);
}

interface LossMeanAttrs {
  readonly classes: number;
  readonly smoothed: boolean;
  readonly ignoreIndex: number;
}

/** g / total for every row. */
const lossMeanGradOp = defineOp<{ readonly rows: number }>()({
  name: 'lossMeanGrad',
  inputs: ['x0', 'x1'],
  outputs: ['y0'],
  infer: (_, { rows }) => ({ y0: rowMajor([rows]) }),
  pointwise: ({ attrs }) => spread(attrs.rows),
  plan: ({ attrs, target }) => planPointwise(spread(attrs.rows), target),
});
const spread = (rows: number): PointwiseChain => ({
  shape: [rows],
  inputs: [
    { dtype: 'f32', strides: [0] },
    { dtype: 'f32', strides: [0] },
  ],
  steps: [
    { f: { kind: 'unary', row: 'reciprocal' }, args: [{ input: 1 }] },
    { f: { kind: 'binary', row: 'mul' }, args: [{ input: 0 }, { step: 0 }] },
  ],
  outputs: [{ value: { step: 1 }, dtype: 'f32' }],
});

/** Mean of losses [N] by the weights of their classes, ignored ones left out. Outputs the mean, and the sum of the weights. */
export const lossMeanOp = defineOp<LossMeanAttrs>()({
  name: 'lossMean',
  inputs: ['loss', 'target', 'weight?'],
  outputs: ['mean', 'total'],
  infer: () => ({ mean: rowMajor([]), total: rowMajor([]) }),
  plan: ({ inputs: { loss, weight }, attrs, target }) =>
    planLossMean({ rows: loss.shape[0] ?? 0, ...attrs, weighted: weight !== undefined }, target),
  planEmpty: ({ target }) =>
    planFills(
      ['mean', 'total'].map((slot) => ({ slot, count: 1, value: slot === 'mean' ? Number.NaN : 0, dtype: 'f32' as const })),
      target,
    ),
  backward: ({ grads: { mean: g }, inputs: { loss }, outputs: { total } }) => ({
    loss: g && applyOne(lossMeanGradOp, { x0: g, x1: total }, { rows: loss.size }),
  }),
  backwardComposed: ({ grads: { mean: g }, inputs: { loss }, outputs: { total } }) => ({
    loss: g && expand(reshape(div(g, total), [1]), [loss.size]),
  }),
});
