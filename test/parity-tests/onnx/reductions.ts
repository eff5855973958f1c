import type { ReduceOptions, Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Run, Table } from './call.js';

/** Axes are an attribute, or, in later versions of an operator, an operand; none are all, or nothing where the case says so. */
const reduction =
  (f: (x: Tensor, options: ReduceOptions) => Tensor): Run =>
  (call) => {
    const axes = call.list('axes') ?? call.numbers(1) ?? [];
    if (axes.length === 0 && call.flag('noop_with_empty_axes')) return core.alias(call.x(0));
    return f(call.x(0), { ...(axes.length > 0 ? { dim: axes } : {}), keepdim: call.flag('keepdims', true) });
  };
const place =
  (f: typeof core.argmax): Run =>
  (call) =>
    f(call.x(0), { dim: call.number('axis', 0), keepdim: call.flag('keepdims', true) });

/** ONNX also sums from the end, and leaves out each element itself. */
function cumsum(call: Call): Tensor {
  const dim = call.numbers(1)?.[0] ?? 0;
  const x = call.x(0);
  const along = call.flag('reverse') ? core.flip(core.cumsum(core.flip(x, [dim]), { dim }), [dim]) : core.cumsum(x, { dim });
  return call.flag('exclusive') ? core.sub(along, x) : along;
}

export const reductions: Table = {
  ReduceL1: reduction((x, options) => core.norm(x, { ...options, p: 1 })),
  ReduceL2: reduction(core.norm),
  ReduceLogSum: reduction((x, options) => core.log(core.sum(x, options))),
  ReduceLogSumExp: reduction(core.logsumexp),
  ReduceMax: reduction(core.amax),
  ReduceMean: reduction(core.mean),
  ReduceMin: reduction(core.amin),
  ReduceProd: reduction(core.prod),
  ReduceSum: reduction(core.sum),
  ReduceSumSquare: reduction((x, options) => core.sum(core.square(x), options)),
  ArgMax: place(core.argmax),
  ArgMin: place(core.argmin),
  CumSum: cumsum,
  TopK: (call) => {
    const options = { dim: call.number('axis', -1), largest: call.flag('largest', true) };
    const { values, indices } = core.topk(call.x(0), call.numbers(1)?.[0] as number, options);
    return [values, indices];
  },
  Softmax: (call) => core.softmax(call.x(0), { dim: call.number('axis', -1) }),
  LogSoftmax: (call) => core.logSoftmax(call.x(0), { dim: call.number('axis', -1) }),
};
