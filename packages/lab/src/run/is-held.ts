import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { lockFile, staleSeconds } from './folder-lock.js';
import { isCertainlyDead, parseHolder } from './lock-holder.js';

/**
 * Whether a process seems to have this folder now. Nothing is written, so the lock's age is by the local clock: good enough to
 * show, not to decide by.
 */
export function isHeld(folder: string): boolean {
  try {
    const file = path.join(folder, lockFile);
    const holder = parseHolder(readFileSync(file, 'utf8'));
    return Date.now() - statSync(file).mtimeMs < staleSeconds * 1e3 && holder !== undefined && !isCertainlyDead(holder);
  } catch {
    return false;
  }
}
