import fs from 'node:fs';
import { chainLine, type LogPosition } from './metrics-chain.js';
import { diskError, RunError } from './run-error.js';
import type { JsonObject } from './sealed-json.js';

/**
 * An append-only file of JSON lines, each with the hash of all before it. Lines are written whole: what a full disk cut off
 * is taken back, and what a killed process cut off is dropped when the file is opened again.
 */
export class MetricsLog {
  private constructor(
    readonly file: string,
    private descriptor: number | undefined,
    private at: LogPosition,
  ) {}

  /** Opens (or makes) the file and cuts it at `keep`, where the checkpoint to go on from was made; the caller has read it up to there. */
  static open(file: string, keep: LogPosition): MetricsLog {
    try {
      // Read and write without truncating; O_APPEND would ignore the cut on some systems.
      const descriptor = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666);
      try {
        if (fs.fstatSync(descriptor).size > keep.bytes) fs.ftruncateSync(descriptor, keep.bytes);
        return new MetricsLog(file, descriptor, keep);
      } catch (error) {
        fs.closeSync(descriptor);
        throw error;
      }
    } catch (cause) {
      throw diskError(file, cause);
    }
  }

  /** After all lines appended so far. */
  get position(): LogPosition {
    return this.at;
  }

  /** Appends a line. It is with the operating system when this returns (a killed process loses nothing). `saves`: checkpoints written so far. */
  append(record: JsonObject, { saves }: { readonly saves: number }): void {
    const descriptor = this.opened();
    const { line, position } = chainLine(record, { after: this.at, saves });
    const { bytes } = this.at;
    try {
      for (let done = 0; done < line.length; ) done += fs.writeSync(descriptor, line, done, line.length - done, bytes + done);
      this.at = position;
    } catch (cause) {
      try {
        fs.ftruncateSync(descriptor, bytes);
      } catch {
        // A device file cannot be cut; opening the log again drops the rest of the line.
      }
      throw diskError(this.file, cause);
    }
  }

  /** Waits until the disk has every line. */
  sync(): void {
    try {
      fs.fsyncSync(this.opened());
    } catch (cause) {
      // Pipes and device files have nothing to sync.
      if ((cause as NodeJS.ErrnoException).code !== 'EINVAL') throw diskError(this.file, cause);
    }
  }

  close(): void {
    if (this.descriptor !== undefined) fs.closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private opened(): number {
    if (this.descriptor === undefined) throw new RunError(this.file, 'was closed already');
    return this.descriptor;
  }
}
