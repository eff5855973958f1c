import type { GraphNode } from '../op/graph-node.js';
import { sameSpec } from '../storage/spec.js';
import { type GraphValue, type Storage, sharedBytes } from '../storage/storage.js';

/*
 * Who shares bytes with whom. A value of a step is its storage: a view of it is the same storage read with another spec, so that
 * nothing stands between a view's reader and the node that made the bytes. Memory from outside shares bytes by region.
 */

/** Is this the value that was made, seen with another shape, type or format? */
export const isView = (seen: GraphValue, made: GraphValue): boolean => seen.storage === made.storage && !sameSpec(seen.spec, made.spec);

/** Does a node read a value as it was made? */
export const readsAsMade = (node: GraphNode, value: GraphValue): boolean => !node.reads.some((seen) => isView(seen, value));

/** Do two values cover common bytes of one buffer? Only real storages can. */
export const overlaps = (a: Storage, b: Storage): boolean => sharedBytes(a, b) !== 'none';

/** Do they lie in one buffer, which no dispatch may both read and write? */
export const sharesBuffer = (a: Storage, b: Storage): boolean => a.region !== undefined && a.region.buffer === b.region?.buffer;
