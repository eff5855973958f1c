import { type MemoryFormat, planCopyRegions } from '@initlab/kernels';
import { physicalShape } from '../storage/spec.js';
import { logicalStrides, memoryOrder, rowMajorStrides } from '../storage/strides.js';
import type { Tensor } from '../tensor/tensor.js';
import { defineOp, type Op } from './op-def.js';

/** The op that puts a tensor's bytes in another order. Its gradient is a conversion, too: `convert`, which runs it. */
export const formatOp = (convert: (x: Tensor, format: MemoryFormat) => Tensor): Op<{ format: MemoryFormat }, ['x'], ['y']> =>
  defineOp<{ format: MemoryFormat }>()({
    name: 'toFormat',
    inputs: ['x'],
    outputs: ['y'],
    infer: ({ x }, { format }) => ({ y: { ...x, format } }),
    plan: ({ inputs: { x }, outputs: { y }, target }) => {
      const shape = physicalShape(y);
      const from = logicalStrides(x);
      return planCopyRegions(
        [
          {
            shape,
            dtype: x.dtype,
            source: { strides: memoryOrder(y).map((d) => from[d] as number), offset: 0 },
            target: { strides: rowMajorStrides(shape), offset: 0 },
          },
        ],
        target,
      );
    },
    backward: ({ grads, inputs: { x } }) => ({ x: convert(grads.y, x.format) }),
    backwardDifferentiable: true,
  });
