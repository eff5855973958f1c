import { getOrMake } from '../get-or-make.js';
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
  readonly dropped: Map<string, MakerRow>;
}

/** What one maker's holders are together. */
export interface MakerRow {
  readonly label: string;
  count: number;
  bytes: number;
}

/** Adds a holder to its maker's row. */
function count({ label, bytes }: Pick<Holder, 'label' | 'bytes'>, rows: Map<string, MakerRow>): void {
  const row = getOrMake(rows, label, () => ({ label, count: 0, bytes: 0 }));
  row.count++;
  row.bytes += bytes;
}

/** What one op's live storages are together. */
export type HolderRow = Readonly<MakerRow>;

/** Bytes and count of live storages by the op that made them, largest first. */
export function holderRows(holders: Iterable<Holder>): HolderRow[] {
  const rows = new Map<string, MakerRow>();
  for (const holder of holders) count(holder, rows);
  return [...rows.values()].sort((a, b) => b.bytes - a.bytes);
}

/** The largest holders as an out-of-memory error names them. */
export function describeHolders(holders: Iterable<Holder>): string {
  const rows = holderRows(holders).slice(0, 8);
  const lines = rows.map((r) => `  ${r.label}: ${r.count} tensors, ${(r.bytes / 2 ** 20).toFixed(1)} MiB`);
  return [
    ...(rows.length > 0 ? lines : ['  (none)']),
    'Tensors live until dispose(), or until the collector finds them between two tasks: make what a step needs inside scope(() => …).',
  ].join('\n');
}

let said = false;
let dropped: Holder[] = [];
const registry = new FinalizationRegistry<Holder>((holder) => {
  if (!holder.region) return;
  giveBack(holder);
  if (holder.quiet) return;
  count(holder, holder.home.dropped);
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
  const counts = new Map<string, MakerRow>();
  for (const holder of dropped) count(holder, counts);
  const rows = [...counts.values()].sort((a, b) => b.count - a.count);
  const makers = rows.map((row) => (row.count > 1 ? `${row.label} (${row.count})` : row.label));
  const bytes = dropped.reduce((sum, holder) => sum + holder.bytes, 0);
  console.warn(
    `initlab: ${dropped.length === 1 ? 'a tensor was' : `${dropped.length} tensors were`} dropped without dispose, and their GPU memory ` +
      `(${bytes} bytes) came back only when JavaScript's collector found them; made by ${makers.slice(0, 5).join(', ')}. To have it ` +
      "back at once, wrap the loop's body in scope(() => …), declare tensors with `using`, or call dispose(). This is said once.",
  );
  dropped = [];
}
