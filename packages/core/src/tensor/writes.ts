import { currentRecorder } from '../record/recorder.js';
import type { Storage } from '../storage/storage.js';
import { WriteLog, type WrittenSpan } from '../storage/write-log.js';

/** What a write to a storage is noted in, and the bytes it is noted for. */
export function writtenSpan(storage: Storage): { readonly log: WriteLog; readonly span: WrittenSpan } {
  const { whole } = storage;
  // A recording writes nothing to what exists; what it will write counts inside it.
  let log = storage.virtual ? undefined : currentRecorder()?.writesOf(whole);
  log ??= whole.writes ??= new WriteLog();
  const { from, to } = storage.span;
  return { log, span: log.span(from, to) };
}

/** A tensor's bytes were written in place, by an op or a call of that name. */
export function noteWrite(storage: Storage, by: string): void {
  const { log, span } = writtenSpan(storage);
  log.touch(span, by);
}

/** What wrote to any byte of a storage after a time, if anything did: the latest. */
export function writtenSince(storage: Storage, time: number): string | undefined {
  const { whole, span } = storage;
  const inside = storage.virtual ? undefined : currentRecorder()?.writesOf(whole);
  return inside?.since(time, span) ?? whole.writes?.since(time, span);
}
