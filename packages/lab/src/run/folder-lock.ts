import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { describeHolder, isCertainlyDead, type LockHolder, parseHolder, thisHolder } from './lock-holder.js';
import { diskError, InUseError, RunError } from './run-error.js';

/** Name of the lock in the folder it is of. */
export const lockFile = '.lock';
const beatSeconds = 15;
/** Six beats: a machine that is busy, or a file server that was away for a minute, is not dead. */
export const staleSeconds = 90;

export interface TakeLockOptions {
  /** Take it whoever has it (`--take-lock`); the holder finds out before it next writes, and stops. Default false. */
  readonly force?: boolean;
}

/** A lock as it lies on the disk. */
interface Found {
  readonly id: string;
  readonly holder: LockHolder | undefined;
  /** When it was last written, by the file server's clock. */
  readonly mtimeMs: number;
}

/**
 * A folder that belongs to one process at a time, also among machines and containers that share a disk.
 *
 * `.lock` says who has it, and is written anew every 15 s. One that was last written 90 s ago is anybody's, wherever its
 * holder was; so is at once one whose process is certainly dead. Times are the file server's alone: a file written now is
 * compared with the lock, so clocks of machines need not agree.
 *
 * Of several that want an abandoned lock exactly one gets it: its successor is the file `.lock.ID.next`, by the id of the
 * lock that is replaced, and a file of a name can be made once only. Whoever makes it has the lock, and renames it to
 * `.lock`. A lock that has a successor is nobody's any more; who died before the rename is succeeded in the same way.
 */
export class FolderLock {
  private readonly timer: NodeJS.Timeout;
  private done = false;

  private constructor(
    readonly folder: string,
    private readonly own: LockHolder,
  ) {
    this.timer = setInterval(() => void this.beat(), beatSeconds * 1e3).unref();
    releaseAtExit(this);
  }

  /** Throws RunError naming who has the folder, since when, and what to do. */
  static take(folder: string, { force = false }: TakeLockOptions = {}): FolderLock {
    const own = thisHolder();
    const aside = path.join(folder, `${lockFile}.${own.id}.new`);
    try {
      const now = writeNew(aside, JSON.stringify(own));
      try {
        while (!tryTake(folder, { own, aside, now, force }));
        removeLeft(folder, { own, now });
        return new FolderLock(folder, own);
      } finally {
        fs.rmSync(aside, { force: true });
      }
    } catch (cause) {
      throw diskError(folder, cause);
    }
  }

  /** Gives the folder back where `open` fails: what could not be opened is not held. */
  async during<T>(open: () => Promise<T>): Promise<T> {
    try {
      return await open();
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Throws RunError where another process has taken the lock: nothing may be written any more. */
  checkHeld(): void {
    if (this.done) throw new RunError(this.folder, 'was closed already');
    const found = current(this.folder).at(-1);
    if (found?.id === this.own.id) return;
    const taker = found?.holder ? `taken over by ${describeHolder(found.holder)}` : 'given up: its lock is gone';
    throw new RunError(
      this.folder,
      `was ${taker}, while this process (${this.own.pid}) did not answer for ${staleSeconds} s or by --take-lock. This process stops and writes nothing more there.`,
    );
  }

  /** Gives the folder back, if it is still this process's. May be called twice. */
  release(): void {
    if (this.done) return;
    this.done = true;
    clearInterval(this.timer);
    held.delete(this);
    // Nobody takes what this process is removing, and nothing is removed that another has taken.
    const claim = next(this.folder, this.own.id);
    try {
      fs.writeFileSync(claim, JSON.stringify(thisHolder()), { flag: 'wx' });
    } catch {
      return;
    }
    if (read(path.join(this.folder, lockFile))?.id === this.own.id) fs.rmSync(path.join(this.folder, lockFile), { force: true });
    fs.rmSync(claim, { force: true });
  }

  /** Writes what is there once more, so that the file server sets the time. What fails now is seen before the next write. */
  private async beat(): Promise<void> {
    try {
      const handle = await fs.promises.open(path.join(this.folder, lockFile), 'r+');
      try {
        // By this descriptor: a lock that is replaced meanwhile stays as it is.
        const text = await handle.readFile('utf8');
        if (!this.done && parseHolder(text)?.id === this.own.id) await handle.write(text, 0);
      } finally {
        await handle.close();
      }
    } catch {
      // Gone, or the file server is away.
    }
  }
}

interface Taking {
  readonly own: LockHolder;
  /** File with what the lock will say. */
  readonly aside: string;
  readonly now: number;
  readonly force: boolean;
}

/** Whether the folder is this process's now; false where another was faster and it has to be looked at again. */
function tryTake(folder: string, { own, aside, now, force }: Taking): boolean {
  const file = path.join(folder, lockFile);
  const chain = current(folder);
  const last = chain.at(-1);
  if (!last) return makeOnce(aside, file);
  refuseLive(folder, { found: last, now, force });
  const claim = next(folder, last.id);
  if (!makeOnce(aside, claim)) return false;
  // The claim counts if it still follows what was looked at; else the chain has been shortened meanwhile.
  if (current(folder).at(-1)?.id !== own.id) {
    fs.rmSync(claim, { force: true });
    return false;
  }
  try {
    fs.renameSync(claim, file);
  } catch (cause) {
    // Taken from this process in turn, which must have been slow.
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw cause;
  }
  for (const { id } of chain.slice(0, -1)) fs.rmSync(next(folder, id), { force: true });
  return true;
}

function refuseLive(folder: string, { found, now, force }: { found: Found; now: number; force: boolean }): void {
  const age = (now - found.mtimeMs) / 1e3;
  if (force || age >= staleSeconds || (found.holder && isCertainlyDead(found.holder))) return;
  const who = found.holder ? describeHolder(found.holder) : 'something whose lock cannot be read';
  throw new InUseError(
    folder,
    `is in use by ${who}, heard of ${Math.max(0, Math.round(age))} s ago. Wait for it or stop it; where it is gone for certain, try again once it was silent for ${staleSeconds} s, or give --take-lock.`,
  );
}

/** The lock and those that succeeded it and were not renamed yet; the last one counts. */
function current(folder: string): Found[] {
  const chain: Found[] = [];
  for (let found = read(path.join(folder, lockFile)); found; found = read(next(folder, found.id))) chain.push(found);
  return chain;
}

const next = (folder: string, id: string): string => path.join(folder, `${lockFile}.${id}.next`);

function read(file: string): Found | undefined {
  let descriptor: number;
  try {
    // Opening asks the file server; a bare stat may answer from a cache.
    descriptor = fs.openSync(file, 'r');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw diskError(file, cause, { reading: true });
  }
  try {
    const text = fs.readFileSync(descriptor, 'utf8');
    const holder = parseHolder(text);
    const id =
      holder?.id ??
      `unreadable-${createHash('sha256')
        .update(`${path.basename(file)}\n${text}`)
        .digest('hex')
        .slice(0, 16)}`;
    return { id, holder, mtimeMs: fs.fstatSync(descriptor).mtimeMs };
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Answers the time by the file server's clock: closing sends the file there, opening it again asks for its time. */
function writeNew(file: string, text: string): number {
  fs.writeFileSync(file, text, { flag: 'wx' });
  const descriptor = fs.openSync(file, 'r');
  try {
    return fs.fstatSync(descriptor).mtimeMs;
  } finally {
    fs.closeSync(descriptor);
  }
}

/** Gives a written file a second name, whole at once; false where that name is taken. */
function makeOnce(aside: string, file: string): boolean {
  try {
    fs.linkSync(aside, file);
    return true;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    // A file server that answers a repeated request says EEXIST to the one who made it.
    if (code === 'EEXIST') return fs.statSync(aside).nlink > 1 && sameFile(aside, file);
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(code)) throw cause;
  }
  try {
    // No second names on this disk. Whoever reads half of it finds it fresh and waits.
    fs.copyFileSync(aside, file, fs.constants.COPYFILE_EXCL);
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw cause;
  }
}

function sameFile(a: string, b: string): boolean {
  try {
    return fs.statSync(a).ino === fs.statSync(b).ino;
  } catch {
    return false;
  }
}

/** Clears away what processes left that were killed while they took the lock. */
function removeLeft(folder: string, { own, now }: { own: LockHolder; now: number }): void {
  for (const name of fs.readdirSync(folder)) {
    if (!/^\.lock\..*\.(new|next)$/.test(name) || name.includes(own.id)) continue;
    const file = path.join(folder, name);
    const left = fs.statSync(file, { throwIfNoEntry: false });
    if (left && now - left.mtimeMs > staleSeconds * 1e3) fs.rmSync(file, { force: true });
  }
}

const held = new Set<FolderLock>();
let watchingExit = false;

/** A process that ends in the midst of its work leaves no lock for another machine to wait for. */
function releaseAtExit(lock: FolderLock): void {
  held.add(lock);
  if (watchingExit) return;
  watchingExit = true;
  process.once('exit', () => {
    for (const each of [...held]) each.release();
  });
}
