import type { Target } from '@initlab/kernels';
import type { Graph } from '../graph.js';
import { fuseEpilogue } from './epilogue/fuse-epilogue.js';
import { fuseSums } from './epilogue/fuse-sums.js';
import { fuseGradSum } from './fuse-grad-sum.js';
import { fuseNorm } from './fuse-norm.js';
import { fuseReduce } from './fuse-reduce.js';
import { joinWeights } from './join-weights.js';
import { packFilters } from './pack-filters.js';
import { fusePointwise } from './pointwise/fuse-pointwise.js';
import { poolBeforeRelu } from './pool-before-relu.js';
import { splitNorm } from './split-norm.js';
import { writeThrough } from './write-through.js';

/** All rewrites in order of application. Each can be switched off by name in `compile`'s options. */
export const rewrites = {
  poolBeforeRelu,
  fuseNorm,
  splitNorm,
  fusePointwise,
  fuseEpilogue,
  fuseSums,
  fuseGradSum,
  fuseReduce,
  packFilters,
  writeThrough,
  joinWeights,
} satisfies Record<string, (graph: Graph, target: Target) => void>;
/** A rewrite that `compile`'s option `rewrites` switches. */
export type RewriteName = keyof typeof rewrites;
/** Names of all rewrites, in order of application: `keys` gives strings of whatever object. */
export const rewriteNames = Object.keys(rewrites) as RewriteName[];
