import { getOrMake } from '../get-or-make.js';
import type { Storage } from '../storage/storage.js';
import { overlaps } from './sharing.js';

/** Bytes, and where in the graph they are met. */
interface Met {
  readonly storage: Storage;
  readonly positions: number[];
}

/** What is met of one buffer, by offset. */
interface OfBuffer {
  readonly byOffset: Map<number, Met[]>;
  /** The same in order; made anew when an offset was added. */
  sorted: [number, Met[]][] | undefined;
  /** Bytes of the largest, but those of half the buffer or more, which are kept apart: a flat buffer as a whole. */
  largest: number;
  readonly wide: Met[];
}

/**
 * Where in a graph bytes are met (written, or touched at all), to be asked about a stretch of it. Parameters and gradients are slices
 * of flat buffers, thousands of them in a deep net, so they are looked up by offset and not one by one. A virtual value shares its
 * bytes with its own views only, which have its storage.
 */
export class Accesses {
  private readonly buffers = new Map<object, OfBuffer>();
  private readonly virtual = new Map<Storage, number[]>();

  note(storage: Storage, position: number): void {
    const { region } = storage;
    if (!region) {
      getOrMake(this.virtual, storage, () => []).push(position);
      return;
    }
    const met = getOrMake(this.buffers, region.buffer, () => ({ byOffset: new Map(), sorted: undefined, largest: 0, wide: [] }));
    const isWide = region.size * 2 >= region.buffer.size;
    const added = (): Met[] => {
      met.sorted = undefined;
      return [];
    };
    const list = isWide ? met.wide : getOrMake(met.byOffset, region.offset, added);
    if (!isWide) met.largest = Math.max(met.largest, region.size);
    const known = list.find((r) => r.storage.region?.size === region.size && r.storage.region.offset === region.offset);
    if (known) known.positions.push(position);
    else list.push({ storage, positions: [position] });
  }

  /** Is any byte of `storage` met after `first` and before `last`? */
  between(storage: Storage, first: number, last: number): boolean {
    const within = (positions: readonly number[]): boolean => positions.some((at) => at > first && at < last);
    const { region } = storage;
    if (!region) return within(this.virtual.get(storage) ?? []);
    const met = this.buffers.get(region.buffer);
    if (!met) return false;
    const hit = ({ storage: other, positions }: Met): boolean => overlaps(other, storage) && within(positions);
    if (met.wide.some(hit)) return true;
    met.sorted ??= [...met.byOffset].sort(([a], [b]) => a - b);
    for (let i = firstFrom(met.sorted, region.offset - met.largest); ; i++) {
      const [offset, regions] = met.sorted[i] ?? [Infinity, []];
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
