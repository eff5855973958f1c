import type { Reduction } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Run, Table } from './call.js';

const reductionOf = (call: Call): Reduction => {
  const name = call.text('reduction', 'mean');
  if (name === 'none' || name === 'mean' || name === 'sum') return name;
  throw new Error(`${call.of.name}: no reduction ${name}`);
};

const loss =
  (f: typeof core.crossEntropy | typeof core.nllLoss): Run =>
  (call) => {
    const [x, target] = [call.x(0), call.x(1)];
    const reduction = reductionOf(call);
    const options = { reduction, weight: call.optional(2), ignoreIndex: call.number('ignore_index') };
    const y = f(x, target, options);
    return call.of.outputs.length > 1 ? [y, core.logSoftmax(x, { dim: 1 })] : y;
  };

export const losses: Table = {
  NegativeLogLikelihoodLoss: loss(core.nllLoss),
  SoftmaxCrossEntropyLoss: loss(core.crossEntropy),
};
