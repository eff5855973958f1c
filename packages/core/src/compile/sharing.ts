import type { GraphNode } from '../op/graph-node.js';
import type { GraphValue } from '../record/graph-value.js';
import { sameSpec } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';

/** Does a node read a value as it was made? A view has its bytes, and so its storage, but another shape. */
export const readsAsMade = (node: GraphNode, value: GraphValue): boolean =>
  node.reads.every((v) => v.storage !== value.storage || sameSpec(v.spec, value.spec));

/** Do two values cover common bytes of one buffer? Only real storages can. */
export function overlaps(a: Storage, b: Storage): boolean {
  if (a === b) return true;
  const [x, y] = [a.region, b.region];
  return x !== undefined && y !== undefined && x.buffer === y.buffer && x.offset < y.offset + y.size && y.offset < x.offset + x.size;
}

export const sharesBuffer = (a: GraphValue, b: Storage): boolean =>
  a.storage.region !== undefined && a.storage.region.buffer === b.region?.buffer;
