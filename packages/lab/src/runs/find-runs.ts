import { type Dirent, existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { diskError, isMissing, RunError, runFiles } from '../run/index.js';

/** Deeper than `runs/by-hash/KEY` nothing of ours lies; a folder given by mistake is not searched to its end. */
const mostLevels = 4;

/** Folders of runs in and below a folder, or that folder itself. Throws RunError where it is not there or cannot be read. */
export function findRuns(root: string): string[] {
  const found: string[] = [];
  const look = (folder: string, level: number): void => {
    // Asked for by name: listing every run's folder would take several times as long.
    if (existsSync(path.join(folder, runFiles.config))) found.push(folder);
    else if (level <= mostLevels) for (const name of foldersIn(folder, level)) look(path.join(folder, name), level + 1);
  };
  look(root, 0);
  return found.sort();
}

function foldersIn(folder: string, level: number): string[] {
  let entries: Dirent[] = [];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    if (level > 0) return [];
    if (isMissing(cause)) throw new RunError(folder, 'is not there. Give the folder that holds the runs.');
    throw diskError(folder, cause, { reading: true });
  }
  return entries.filter((e) => e.isDirectory() && !e.name.startsWith('.') && e.name !== 'node_modules').map(({ name }) => name);
}
