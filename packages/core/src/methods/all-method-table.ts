import { gather, indexSelect } from '../ops/indexed/gather.js';
import { scatterAdd } from '../ops/indexed/scatter-add.js';
import { sort, topk } from '../ops/indexed/sort.js';
import { matmul } from '../ops/product/matmul.js';
import { argmax, argmin } from '../ops/reduce/argmax.js';
import { cumsum } from '../ops/reduce/cumsum.js';
import { amax, amin } from '../ops/reduce/extremes.js';
import { logsumexp, norm, std } from '../ops/reduce/norm-std-logsumexp.js';
import { prod } from '../ops/reduce/prod.js';
import { variance } from '../ops/reduce/variance.js';
import { flip, roll } from '../ops/region/flip-roll.js';
import { chunk, split } from '../ops/region/pieces.js';
import { narrow } from '../ops/region/regions.js';
import { transpose } from '../ops/views/axes.js';
import { permute } from '../ops/views/permute.js';
import type { MoreMethod } from '../tensor/method-names.js';
import { commonMethods } from './common-method-table.js';

/** Those apart from the common ones, since they bring kernels of their own. */
const moreMethods = {
  matmul,
  permute,
  transpose,
  narrow,
  split,
  chunk,
  flip,
  roll,
  amax,
  amin,
  argmax,
  argmin,
  variance,
  std,
  norm,
  logsumexp,
  prod,
  cumsum,
  sort,
  topk,
  indexSelect,
  gather,
  scatterAdd,
} satisfies Record<MoreMethod, unknown>;

/** Every method that `@initlab/core/methods` adds. */
export const allMethods = { ...commonMethods, ...moreMethods };
