import { guard, leavesBehind } from './guard.js';
import type { Storage } from './storage.js';

interface Held {
  readonly storage: Storage;
}

/**
 * Where a leaf's gradient is kept. Whether there is one decides if `backward` stores or adds, so a recording goes by it
 * like by a mode; and what a recorded call leaves here, its replays leave here too.
 */
export class LeafGrad<T extends Held> {
  private kept: T | undefined;
  private static readonly isThere = (grad: LeafGrad<Held>): boolean => grad.kept !== undefined;

  get value(): T | undefined {
    guard<LeafGrad<Held>>(this, LeafGrad.isThere);
    return this.kept;
  }
  set value(value: T | undefined) {
    this.replace(value);
  }

  /** Sets it, and returns what was there, without a recording depending on that. */
  replace(value: T | undefined): T | undefined {
    guard(this);
    leavesBehind(this);
    const former = this.kept;
    this.kept = value;
    return former;
  }

  get storages(): readonly Storage[] {
    return this.kept ? [this.kept.storage] : [];
  }

  /** A function that leaves what is there now. */
  restorer(): () => void {
    const { kept } = this;
    return () => {
      this.kept = kept;
    };
  }
}
