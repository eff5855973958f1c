/** What is told of bytes in use: by out-of-memory errors, and when they were dropped. */
export interface Holder {
  readonly bytes: number;
  /** Name of the op or call that made it. */
  readonly label: string;
  /** Given back, or not worth a word: its device was closed, or a compiled step owns it. */
  settled: boolean;
}

let said = false;
let dropped: Holder[] = [];
const registry = new FinalizationRegistry<Holder>((holder) => {
  if (holder.settled || said) return;
  // One collection drops many: wait for all of them, to count.
  if (dropped.push(holder) === 1) queueMicrotask(warn);
});

/** Warn, once in the process, when `owner` is collected and its bytes were not given back. */
export function reportIfDropped(owner: object, holder: Holder): void {
  if (!said) registry.register(owner, holder);
}

function warn(): void {
  said = true;
  const counts = new Map<string, number>();
  for (const { label } of dropped) counts.set(label, (counts.get(label) ?? 0) + 1);
  const makers = [...counts].sort(([, a], [, b]) => b - a).map(([label, count]) => (count > 1 ? `${label} (${count})` : label));
  const bytes = dropped.reduce((sum, holder) => sum + holder.bytes, 0);
  console.warn(
    `initlab: ${dropped.length === 1 ? 'a tensor was' : `${dropped.length} tensors were`} dropped without dispose, and their GPU memory ` +
      `(${bytes} bytes) is lost to the pool; made by ${makers.slice(0, 5).join(', ')}. Wrap the loop's body in scope(() => …), declare ` +
      'tensors with `using`, or call dispose(). This is said once.',
  );
  dropped = [];
}
