import { checkFormat } from '../checks/check-options.js';
import { checkTensor } from '../checks/check-tensor.js';
import { type MemoryFormat, planCopyRegions } from '@initlab/kernels';
import { applyOne, defineOp, registerFormatConversion } from '../op/op.js';
import { formatsCoincide, physicalShape } from '../tensor/spec.js';
import { memoryOrder, logicalStrides, rowMajorStrides } from '../tensor/strides.js';
import type { Tensor } from '../tensor/tensor.js';

const toFormatOp = defineOp<{ format: MemoryFormat }>()({
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
  backward: ({ grads, inputs: { x } }) => ({ x: toFormat(grads.y, x.format) }),
  backwardDifferentiable: true,
});

/** The same tensor with its bytes in another order (PyTorch's `contiguous(memory_format=…)`); itself when nothing changes. */
export function toFormat(x: Tensor, format: MemoryFormat): Tensor {
  checkTensor('toFormat', x);
  checkFormat('toFormat', format);
  if (x.format === format || x.ndim !== 4) return x;
  return formatsCoincide(x.shape) ? x.reinterpretFormat(format) : applyOne(toFormatOp, { x }, { format });
}

registerFormatConversion((x, format) => applyOne(toFormatOp, { x }, { format }));
