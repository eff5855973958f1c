import { type ArgmaxOptions, argmax, argmin } from '../ops/argmax.js';
import { cumsum } from '../ops/cumsum.js';
import { flip } from '../ops/flip.js';
import { gather } from '../ops/gather.js';
import { indexSelect } from '../ops/index-select.js';
import { matmul } from '../ops/matmul.js';
import { permute } from '../ops/permute.js';
import { prod } from '../ops/prod.js';
import type { ReduceOptions } from '../ops/reduce-parts.js';
import { narrow } from '../ops/regions.js';
import { roll } from '../ops/roll.js';
import { type ScatterAddOptions, scatterAdd } from '../ops/scatter-add.js';
import { type Sorted, type SortOptions, sort, type TopkOptions, topk } from '../ops/sort.js';
import type { MoreMethod } from '../tensor/method-names.js';
import type { Tensor } from '../tensor/tensor.js';

/** Methods apart from the common ones, since they bring kernels of their own. */
export const moreMethods = {
  matmul(this: Tensor, other: Tensor): Tensor {
    return matmul(this, other);
  },
  permute(this: Tensor, dims: readonly number[], ...more: never[]): Tensor {
    return permute(this, dims, ...more);
  },
  narrow(this: Tensor, options: { dim: number; start: number; length: number }): Tensor {
    return narrow(this, options);
  },
  flip(this: Tensor, dims: readonly number[], ...more: never[]): Tensor {
    return flip(this, dims, ...more);
  },
  roll(this: Tensor, shifts: number | readonly number[], options?: { dim?: number | readonly number[] }): Tensor {
    return roll(this, shifts, options);
  },
  argmax(this: Tensor, options?: ArgmaxOptions): Tensor {
    return argmax(this, options);
  },
  argmin(this: Tensor, options?: ArgmaxOptions): Tensor {
    return argmin(this, options);
  },
  prod(this: Tensor, options?: ReduceOptions): Tensor {
    return prod(this, options);
  },
  cumsum(this: Tensor, options?: { dim?: number }): Tensor {
    return cumsum(this, options);
  },
  sort(this: Tensor, options?: SortOptions): Sorted {
    return sort(this, options);
  },
  topk(this: Tensor, k: number, options?: TopkOptions): Sorted {
    return topk(this, k, options);
  },
  indexSelect(this: Tensor, index: Tensor, options?: { dim?: number }): Tensor {
    return indexSelect(this, index, options);
  },
  gather(this: Tensor, index: Tensor, options?: { dim?: number }): Tensor {
    return gather(this, index, options);
  },
  scatterAdd(this: Tensor, index: Tensor, options: ScatterAddOptions): Tensor {
    return scatterAdd(this, index, options);
  },
} satisfies Record<MoreMethod, unknown>;
