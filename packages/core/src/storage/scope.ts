import { OpError } from '../checks/errors.js';
/** Anything a scope frees at its end. */
export interface Disposable {
  dispose(): void;
  /** What else must outlive it where it leaves its scope: a tensor's history, so that backward still works outside. */
  companions?(): Iterable<Disposable>;
}

class ScopeFrame {
  readonly members = new Set<Disposable>();
  /** `attempt`: it ends with a call of the library and belongs to the scope around it. */
  constructor(readonly attempt = false) {}
}

const frames: ScopeFrame[] = [];

/** Register what was just made with the innermost scope, if there is one. Returns it. */
export function scopeTrack<T extends Disposable>(made: T): T {
  frames.at(-1)?.members.add(made);
  return made;
}

/** Forget a tensor that was disposed by hand. */
export function scopeForget(gone: Disposable): void {
  for (let i = frames.length - 1; i >= 0; i--) if (frames[i]?.members.delete(gone)) return;
}

/** True while some scope is open. */
export const inScope = (): boolean => frames.some((frame) => !frame.attempt);

/** Move `value` (a tensor, or an array or plain object of tensors) out of the innermost scope into the one around it. */
export function keep<T>(value: T): T {
  const frame = frames.at(-1);
  if (!frame) return value;
  const outer = frames.at(-2);
  for (const kept of disposablesIn(value)) {
    for (const member of [kept, ...(kept.companions?.() ?? [])]) if (frame.members.delete(member)) outer?.members.add(member);
  }
  return value;
}

/**
 * Run `body`; everything made inside dies at its end, except what it returns (tensors, arrays and plain objects of
 * them) or passes to `keep`. An async body keeps the scope open until it settles; do not interleave two of those.
 */
export function scope<T>(body: () => T): T {
  if (typeof body !== 'function') throw new OpError('scope', `takes what to run as a function: scope(() => …), got ${typeof body}`);
  const frame = new ScopeFrame();
  frames.push(frame);
  let result: T;
  try {
    result = body();
  } catch (error) {
    close(frame);
    throw error;
  }
  if (result instanceof Promise) {
    return result.then(
      (value) => {
        keepThenClose(frame, value);
        return value;
      },
      (error) => {
        close(frame);
        throw error;
      },
    ) as T;
  }
  keepThenClose(frame, result);
  return result;
}

/** A scope for `using`: `using s = new Scope()`; it ends with the block. */
export class Scope {
  private readonly frame = new ScopeFrame();
  constructor() {
    frames.push(this.frame);
  }
  /** Ends the scope. */
  [Symbol.dispose](): void {
    close(this.frame);
  }
}

/** Memory that was allocated, whoever holds it. */
interface Allocation {
  readonly alive: boolean;
  /** Give it back, whatever refers to it. */
  abandon(): void;
}

const attempts: AllOrNothing[] = [];

/** Register an allocation with the innermost `AllOrNothing`, if there is one. */
export function noteAllocation(made: Allocation): void {
  attempts.at(-1)?.allocations.push(made);
}

/**
 * For a call of several steps, which makes all it makes or, where it throws on the way, nothing:
 *
 * ```ts
 * using whole = new AllOrNothing();
 * const y = matmul(x, weight);
 * return whole.done(add(y, bias));
 * ```
 * What was made (tensors that no scope knows, too) is freed where the block ends without `done`; with it, it belongs to the scope
 * around, as if there had been none. `also` is disposed of with it (the object under construction). The block has to be synchronous.
 */
export class AllOrNothing {
  /** @internal */
  readonly allocations: Allocation[] = [];
  private readonly frame = new ScopeFrame(true);
  private isDone = false;

  constructor(private readonly also: readonly Disposable[] = []) {
    frames.push(this.frame);
    attempts.push(this);
  }

  /** The call went well; returns its result. */
  done(): void;
  done<T>(result: T): T;
  done<T>(result?: T): T | undefined {
    this.isDone = true;
    const { members } = this.frame;
    const outer = frames[frames.lastIndexOf(this.frame) - 1];
    if (outer) for (const member of members) outer.members.add(member);
    members.clear();
    const around = attempts[attempts.lastIndexOf(this) - 1];
    if (around) for (const made of this.allocations) if (made.alive) around.allocations.push(made);
    this.allocations.length = 0;
    return result;
  }

  /** Ends the block. */
  [Symbol.dispose](): void {
    attempts.splice(attempts.lastIndexOf(this), 1);
    close(this.frame);
    if (this.isDone) return;
    for (const each of this.also) each.dispose();
    for (const made of this.allocations) if (made.alive) made.abandon();
  }
}

function keepThenClose(frame: ScopeFrame, value: unknown): void {
  if (frames.at(-1) !== frame) {
    // Else all that is made from here on would be held by a scope that never ends.
    close(frame);
    throw new OpError('scope', 'scopes ended out of order: two async scopes were under way at once; await one before the next begins');
  }
  keep(value);
  close(frame);
}

function close(frame: ScopeFrame): void {
  const at = frames.lastIndexOf(frame);
  if (at >= 0) frames.splice(at, 1);
  for (const member of frame.members) member.dispose();
  frame.members.clear();
}

function* disposablesIn(value: unknown): Generator<Disposable> {
  if (value === null || typeof value !== 'object') return;
  if ('dispose' in value && typeof value.dispose === 'function') yield value as Disposable;
  else if (Array.isArray(value)) for (const item of value) yield* disposablesIn(item);
  else if (Object.getPrototypeOf(value) === Object.prototype) for (const item of Object.values(value)) yield* disposablesIn(item);
}
