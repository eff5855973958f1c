import type { MemoryFormat } from '@initlab/kernels';
import { checkFormat } from '../../checks/check-arguments.js';
import { convertFormat } from '../../op/op.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';

/** The same tensor with its bytes in another order (PyTorch's `contiguous(memory_format=…)`); itself when nothing changes. */
export function toFormat(x: Tensor, format: MemoryFormat): Tensor {
  checkTensor('toFormat', x);
  checkFormat('toFormat', format);
  return convertFormat(x, format);
}
