import type { Reduction, Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Run, Table } from './call.js';

const reductionOf = (call: Call): Reduction => {
  const name = call.text('reduction', 'mean');
  if (name === 'none' || name === 'mean' || name === 'sum') return name;
  throw new Error(`${call.of.name}: no reduction ${name}`);
};

/** [N, C, …] as rows of classes: ours take [N, C]. */
function rowsOf(x: Tensor): Tensor {
  if (x.ndim === 2) return x;
  const last = core.permute(x, [0, ...x.shape.slice(2).map((_, i) => i + 2), 1]);
  return core.reshape(last, [-1, x.shape[1] as number]);
}

const loss =
  (f: typeof core.crossEntropy | typeof core.nllLoss): Run =>
  (call) => {
    const [x, target] = [call.x(0), call.x(1)];
    const reduction = reductionOf(call);
    const options = { reduction, weight: call.optional(2), ignoreIndex: call.number('ignore_index') };
    const rows = f(rowsOf(x), core.reshape(target, [-1]), options);
    const y = reduction === 'none' ? core.reshape(rows, target.shape) : rows;
    return call.of.outputs.length > 1 ? [y, core.logSoftmax(x, { dim: 1 })] : y;
  };

export const losses: Table = {
  NegativeLogLikelihoodLoss: loss(core.nllLoss),
  SoftmaxCrossEntropyLoss: loss(core.crossEntropy),
};
