import type { BufferPool, BufferRegion } from './buffer-pool.js';
import { nodeHost } from './node.js';

/** What is told of bytes in use: by out-of-memory errors, and when they were dropped. */
export interface Holder {
  readonly bytes: number;
  /** Name of the op or call that made it. */
  readonly label: string;
  /** Made outside every scope: nothing but `dispose` or the collector gives it back. */
  readonly loose: boolean;
  /** What is given back; absent once that is done, or its device is gone. */
  region: BufferRegion | undefined;
  /** Not the user's to dispose of: a compiled step owns it. */
  quiet: boolean;
  readonly home: Holders;
}

/** Where holders are kept, and what becomes of their memory. */
export interface Holders {
  readonly pool: BufferPool;
  readonly holders: Set<Holder>;
  /** What the collector gave back. */
  readonly dropped: Map<string, DroppedRow>;
}

/** Tensors of one maker that nobody disposed of, which the collector found. */
export interface DroppedRow {
  readonly label: string;
  count: number;
  bytes: number;
}

let said = false;
let dropped: Holder[] = [];
const registry = new FinalizationRegistry<Holder>((holder) => {
  if (!holder.region) return;
  giveBack(holder);
  if (holder.quiet) return;
  const { label, bytes, home } = holder;
  const row = home.dropped.get(label) ?? { label, count: 0, bytes: 0 };
  row.count++;
  row.bytes += bytes;
  home.dropped.set(label, row);
  // One collection drops many: wait for all of them, to count.
  if (!said && dropped.push(holder) === 1) queueMicrotask(warn);
});

/** Enter memory in the books. It is given back when `owner` is collected, if nobody did before. */
export function hold(owner: object, holder: Holder): Holder {
  holder.home.holders.add(holder);
  if (holder.loose) nodeHost.tookLoose(holder.bytes);
  registry.register(owner, holder);
  return holder;
}

/** Give memory back to the pool. The queue keeps the order, so what was asked for before still finds it as it was. */
export function giveBack(holder: Holder): void {
  const { region, home } = holder;
  if (!region) return;
  forget(holder);
  home.pool.give(region);
  home.holders.delete(holder);
}

/** Strike memory off that is gone with its device. */
export function forget(holder: Holder): void {
  if (!holder.region) return;
  holder.region = undefined;
  if (holder.loose) nodeHost.gaveLoose(holder.bytes);
}

function warn(): void {
  said = true;
  const counts = new Map<string, number>();
  for (const { label } of dropped) counts.set(label, (counts.get(label) ?? 0) + 1);
  const makers = [...counts].sort(([, a], [, b]) => b - a).map(([label, count]) => (count > 1 ? `${label} (${count})` : label));
  const bytes = dropped.reduce((sum, holder) => sum + holder.bytes, 0);
  console.warn(
    `initlab: ${dropped.length === 1 ? 'a tensor was' : `${dropped.length} tensors were`} dropped without dispose, and their GPU memory ` +
      `(${bytes} bytes) came back only when JavaScript's collector found them; made by ${makers.slice(0, 5).join(', ')}. To have it ` +
      "back at once, wrap the loop's body in scope(() => …), declare tensors with `using`, or call dispose(). This is said once.",
  );
  dropped = [];
}
