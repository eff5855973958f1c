import type { Storage } from '../storage/storage.js';
import { overlaps } from './sharing.js';

interface Region {
  readonly storage: Storage;
  /** Where in the graph it is read or written. */
  readonly positions: number[];
}

/** The bytes of one buffer that nodes touch, by offset. */
interface BufferTouches {
  readonly byOffset: Map<number, Region[]>;
  /** The same in order; made anew when an offset was added. */
  sorted: [number, Region[]][] | undefined;
  /** Largest region but those of half the buffer or more, which are kept apart: a flat buffer as a whole. */
  largest: number;
  readonly wide: Region[];
}

/**
 * Which nodes read or write real memory, to be asked about a stretch of the graph. Parameters and gradients are slices of
 * flat buffers, thousands of them in a deep net, so they are looked up by offset and not one by one.
 */
export class Touches {
  private readonly buffers = new Map<object, BufferTouches>();

  note(storage: Storage, position: number): void {
    const { region } = storage;
    if (!region) return;
    let touched = this.buffers.get(region.buffer);
    if (!touched) {
      touched = { byOffset: new Map(), sorted: undefined, largest: 0, wide: [] };
      this.buffers.set(region.buffer, touched);
    }
    const isWide = region.size * 2 >= region.buffer.size;
    let list = isWide ? touched.wide : touched.byOffset.get(region.offset);
    if (!list) {
      list = [];
      touched.byOffset.set(region.offset, list);
      touched.sorted = undefined;
    }
    if (!isWide) touched.largest = Math.max(touched.largest, region.size);
    const known = list.find((r) => r.storage.region?.size === region.size && r.storage.region.offset === region.offset);
    if (known) known.positions.push(position);
    else list.push({ storage, positions: [position] });
  }

  /** Does a node after `first` and before `last` touch any byte of `storage`? */
  between(storage: Storage, first: number, last: number): boolean {
    const { region } = storage;
    const touched = region && this.buffers.get(region.buffer);
    if (!region || !touched) return false;
    const hit = ({ storage: other, positions }: Region): boolean =>
      overlaps(other, storage) && positions.some((at) => at > first && at < last);
    if (touched.wide.some(hit)) return true;
    touched.sorted ??= [...touched.byOffset].sort(([a], [b]) => a - b);
    for (let i = firstFrom(touched.sorted, region.offset - touched.largest); ; i++) {
      const [offset, regions] = touched.sorted[i] ?? [Infinity, []];
      if (offset >= region.offset + region.size) return false;
      if (regions.some(hit)) return true;
    }
  }
}

/** Index of the first entry whose offset is not below `least`. */
function firstFrom(sorted: readonly (readonly [number, unknown])[], least: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const [offset] = sorted[middle] ?? [least];
    if (offset < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
