import type { Caps } from '@initlab/kernels';
import type { Graph } from '../graph.js';
import { fusePointwise } from './pointwise/fuse-pointwise.js';
import { writeThrough } from './write-through.js';

/** All rewrites in order of application. Each can be switched off by name in `compile`'s options. */
export const rewrites = { fusePointwise, writeThrough } satisfies Record<string, (graph: Graph, caps: Caps) => void>;
export type RewriteName = keyof typeof rewrites;
export const rewriteNames = Object.keys(rewrites) as RewriteName[];
