import type { CodeKind } from '../settings.js';

/** A person's own code failed. */
export class OwnCodeError extends Error {
  constructor(
    cause: unknown,
    readonly kind: CodeKind,
    /** From 1; undefined where no line can be told. */
    readonly line?: number | undefined,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
