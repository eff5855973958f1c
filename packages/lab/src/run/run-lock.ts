import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { diskError, RunError } from './run-error.js';

const lockFile = '.lock';
const lockSchema = z.object({ pid: z.number().int().positive(), birth: z.string(), started: z.string() });
type Lock = z.infer<typeof lockSchema>;

/**
 * Takes a run's folder for this process, so that no other writes to it; answers how to give it back. What a killed process
 * left behind is taken over. Throws RunError naming the process that has the folder.
 */
export function lockRun(folder: string): () => void {
  const file = path.join(folder, lockFile);
  const own: Lock = { pid: process.pid, birth: birthOf(process.pid), started: new Date().toISOString() };
  const take = (): boolean => {
    try {
      writeFileSync(file, JSON.stringify(own), { flag: 'wx' });
      return true;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw diskError(file, cause);
    }
  };
  if (!take()) {
    const holder = readLock(file);
    if (holder && alive(holder))
      throw new RunError(
        folder,
        `is in use by process ${holder.pid} (started ${holder.started}). Wait for it or stop it; if it is no initlab, remove ${file}.`,
      );
    rmSync(file, { force: true });
    if (!take()) throw new RunError(folder, 'was taken by another process just now.');
  }
  return () => rmSync(file, { force: true });
}

function readLock(file: string): Lock | undefined {
  try {
    return lockSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    // Cut off by a full disk or a power cut, or gone meanwhile: nobody's.
    return undefined;
  }
}

/** The very process, not another that has its number by now. */
function alive({ pid, birth }: Lock): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is there but may not be signalled.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  return birthOf(pid) === birth;
}

/** When a process began, in the kernel's ticks; nothing where the system has no /proc. Containers give small numbers out again. */
function birthOf(pid: number): string {
  try {
    // The name, in brackets, may hold anything; the fields after it are numbered from 3, and 22 is the start.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}
