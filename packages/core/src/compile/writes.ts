import type { GraphNode } from '../op/graph-node.js';
import type { Storage } from '../storage/storage.js';
import { overlaps } from './sharing.js';

/** When values are overwritten: by ops that work in place, on parameters, statistics or sums. */
export class Writes {
  /** Positions and storages, by the buffer (or value) they lie in. */
  private readonly byBuffer = new Map<object, { at: number; storage: Storage }[]>();

  constructor(nodes: readonly GraphNode[]) {
    nodes.forEach((node, at) => {
      for (const storage of node.writes) this.add(storage, at);
      for (const { storage } of node.makes) if (!storage.virtual) this.add(storage, at);
    });
  }

  /** Is the value overwritten after position `first` and before `last`? */
  between(storage: Storage, first: number, last: number): boolean {
    return (this.byBuffer.get(keyOf(storage)) ?? []).some(
      ({ at, storage: written }) => at > first && at < last && overlaps(written, storage),
    );
  }

  private add(storage: Storage, at: number): void {
    const key = keyOf(storage);
    const list = this.byBuffer.get(key);
    if (list) list.push({ at, storage });
    else this.byBuffer.set(key, [{ at, storage }]);
  }
}

const keyOf = (storage: Storage): object => storage.region?.buffer ?? storage;
