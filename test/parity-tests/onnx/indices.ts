import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Table } from './call.js';

const axisOf = (call: Call): number => {
  const axis = call.number('axis', 0);
  return axis < 0 ? axis + call.x(0).ndim : axis;
};
/** ONNX counts negative indices from the end; ours, as PyTorch's, count from the start. */
const wrapped = (call: Call): Tensor => {
  const index = call.x(1);
  return core.where(core.less(index, 0), core.add(index, call.x(0).shape[axisOf(call)] as number), index);
};

export const indices: Table = {
  // An index of any shape takes the place of the axis.
  Gather: (call) => {
    const [x, dim] = [call.x(0), axisOf(call)];
    const picked = core.indexSelect(x, core.reshape(wrapped(call), [-1]), { dim });
    return core.reshape(picked, x.shape.toSpliced(dim, 1, ...call.x(1).shape));
  },
  GatherElements: (call) => core.gather(call.x(0), wrapped(call), { dim: axisOf(call) }),
  ScatterElements: (call) => core.scatterAdd(call.x(0), wrapped(call), { source: call.x(2), dim: axisOf(call) }),
};
