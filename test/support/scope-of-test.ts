import { Scope } from '@initlab/core';
import { afterEach, beforeEach } from 'vitest';

/** A scope around each test of this file: what it makes ends with it. */
export function scopeOfEachTest(): void {
  let ofTest: Scope;
  beforeEach(() => {
    ofTest = new Scope();
  });
  afterEach(() => ofTest[Symbol.dispose]());
}
