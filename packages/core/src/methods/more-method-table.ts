import { argmax, argmin } from '../ops/argmax.js';
import { cumsum } from '../ops/cumsum.js';
import { flip } from '../ops/flip.js';
import { gather } from '../ops/gather.js';
import { indexSelect } from '../ops/index-select.js';
import { matmul } from '../ops/matmul.js';
import { permute } from '../ops/permute.js';
import { prod } from '../ops/prod.js';
import { narrow } from '../ops/regions.js';
import { roll } from '../ops/roll.js';
import { scatterAdd } from '../ops/scatter-add.js';
import { sort, topk } from '../ops/sort.js';
import type { MoreMethod } from '../tensor/method-names.js';

/** Those apart from the common ones, since they bring kernels of their own. */
export const moreMethods = {
  matmul,
  permute,
  narrow,
  flip,
  roll,
  argmax,
  argmin,
  prod,
  cumsum,
  sort,
  topk,
  indexSelect,
  gather,
  scatterAdd,
} satisfies Record<MoreMethod, unknown>;
