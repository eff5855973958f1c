import { getOrMake } from '../get-or-make.js';

/** Counts writes in place, all over the library. What is saved at a time has changed if it was written to at a later one. */
let clock = 0;

/** The time of the latest write. */
export const writeTime = (): number => clock;

/** A time after every write and everything saved so far. */
export const nextTime = (): number => ++clock;

/** Bytes that are written together, and when that was done last. */
export interface WrittenSpan {
  readonly from: number;
  readonly to: number;
  at: number;
  /** What wrote: the name of an op or a call. */
  by: string;
}

/**
 * When the parts of one buffer were written in place. A flat buffer is written as a whole by optimisers and in parts by
 * others; a write counts for what shares a byte with it, and for nothing else.
 */
export class WriteLog {
  private latest = 0;
  private readonly spans = new Map<string, WrittenSpan>();

  /** The span of these bytes, to be `touch`ed. */
  span(from: number, to: number): WrittenSpan {
    return getOrMake(this.spans, `${from} ${to}`, () => ({ from, to, at: 0, by: '' }));
  }

  touch(span: WrittenSpan, by: string): void {
    this.latest = ++clock;
    span.at = clock;
    span.by = by;
  }

  /** What wrote to any of these bytes after a time, if anything did: the latest. */
  since(time: number, { from, to }: { readonly from: number; readonly to: number }): string | undefined {
    // As a rule nothing of the buffer was written.
    if (this.latest <= time) return undefined;
    let found: WrittenSpan | undefined;
    for (const span of this.spans.values()) if (span.at > (found?.at ?? time) && span.from < to && from < span.to) found = span;
    return found?.by;
  }
}
