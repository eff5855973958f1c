/** Takes and gives back folder locks as it is told; several of these at once are what folder-lock.test.ts starts. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { FolderLock } from '@initlab/lab';

/** What the test asks for: try at this moment, or give back what was taken. */
export type LockOrder = { readonly take: string; readonly at: number } | { readonly release: true };
/** Its answer to `take`. */
export interface LockAnswer {
  readonly taken: boolean;
  readonly message: string;
}

let lock: FolderLock | undefined;
process.on('message', (order: LockOrder) => {
  if ('release' in order) {
    lock?.release();
    lock = undefined;
    process.send?.({ taken: false, message: 'released' });
    return;
  }
  // All at the same moment, to the microsecond that a busy machine allows.
  while (Date.now() < order.at);
  try {
    lock = FolderLock.take(order.take);
    writeFileSync(path.join(order.take, 'holder'), String(process.pid));
    lock.checkHeld();
    process.send?.({ taken: true, message: '' });
  } catch (error) {
    process.send?.({ taken: false, message: error instanceof Error ? error.message : String(error) });
  }
});
process.send?.('ready');
