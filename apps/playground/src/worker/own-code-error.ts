/** A person's own initialisation failed. */
export class OwnCodeError extends Error {
  constructor(
    cause: unknown,
    /** From 1; undefined where no line can be told. */
    readonly line?: number | undefined,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
