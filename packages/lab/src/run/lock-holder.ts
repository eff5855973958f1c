import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as z from 'zod';

const holderSchema = z.object({
  /** Of this one taking: no other lock ever has it. */
  id: z.string().regex(/^[\w-]+$/),
  host: z.string(),
  /** Of the machine since it was switched on; nothing where the system does not say. */
  boot: z.string(),
  /** Containers of one machine share `boot` but number their processes apart. */
  pidNamespace: z.string(),
  pid: z.number().int().positive(),
  /** When the process began, in the kernel's ticks: numbers of processes are given out again. */
  birth: z.string(),
  started: z.string(),
});
/** Who has a lock: enough to know the process again on its machine, and to name it on another. */
export type LockHolder = Readonly<z.infer<typeof holderSchema>>;

/** What a lock's file says; nothing where it is cut off, damaged or of an older initlab. */
export function parseHolder(text: string): LockHolder | undefined {
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** This process, with a new `id`. */
export function thisHolder(): LockHolder {
  const { boot, pidNamespace } = placeOfProcesses();
  const birth = processStat('self')?.birth ?? '';
  return {
    ...{ id: crypto.randomUUID(), host: hostname(), boot, pidNamespace, pid: process.pid, birth },
    started: new Date().toISOString(),
  };
}

/**
 * Whether a holder is gone beyond doubt: this process could see it (same host, boot and numbering of processes) and does
 * not, or sees another process under its number. Whoever cannot be seen from here may live.
 */
export function isCertainlyDead({ host, boot, pidNamespace, pid, birth }: LockHolder): boolean {
  const here = placeOfProcesses();
  if (host !== hostname() || boot !== here.boot || pidNamespace !== here.pidNamespace) return false;
  // A Linux without /proc does not tell one container from another.
  if (process.platform === 'linux' && (boot === '' || pidNamespace === '')) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Another user's process is there but may not be signalled.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true;
  }
  const seen = procIsOurs() ? processStat(pid) : undefined;
  // One that was killed but not yet waited for writes nothing any more.
  return seen !== undefined && (seen.state === 'Z' || seen.state === 'X' || (birth !== '' && seen.birth !== birth));
}

/** `process 123 on this machine (started …)`, or with the other machine's name. */
export function describeHolder({ host, boot, pidNamespace, pid, started }: LockHolder): string {
  const here = placeOfProcesses();
  const where =
    host === hostname() && boot === here.boot
      ? pidNamespace === here.pidNamespace
        ? ''
        : ' in another container of this machine'
      : ` on the machine or container ${JSON.stringify(host)}`;
  return `process ${pid} (started ${started})${where}`;
}

/** What numbers of processes refer to. */
function placeOfProcesses(): Pick<LockHolder, 'boot' | 'pidNamespace'> {
  const read = (get: () => string): string => {
    try {
      return get().trim();
    } catch {
      return '';
    }
  };
  return {
    boot: read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8')),
    pidNamespace: read(() => readlinkSync('/proc/self/ns/pid')),
  };
}

/** A container may look at the /proc of the machine around it, where its numbers mean other processes. */
const procIsOurs = (): boolean => processStat('self')?.pid === process.pid;

function processStat(pid: number | 'self'): { pid: number; state: string; birth: string } | undefined {
  try {
    // The name, in brackets, may hold anything; the fields after it are numbered from 3, and 22 is the start.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { pid: Number.parseInt(stat, 10), state: fields[0] ?? '', birth: fields[19] ?? '' };
  } catch {
    return undefined;
  }
}
