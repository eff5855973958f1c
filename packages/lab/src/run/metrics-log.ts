import fs from 'node:fs';
import { diskError, RunError } from './run-error.js';

/** One line of metrics.jsonl. Numbers that JSON lacks are written as the strings 'NaN', 'Infinity' and '-Infinity'. */
export type MetricsRecord = Readonly<Record<string, string | number | boolean | null>>;

/**
 * An append-only file of JSON lines. Lines are written whole: what a full disk cut off is taken back, and what a killed
 * process cut off is dropped when the file is opened again.
 */
export class MetricsLog {
  private constructor(
    readonly file: string,
    private descriptor: number | undefined,
    private length: number,
  ) {}

  /**
   * Opens (or makes) the file and cuts it to `keepBytes`, the length it had at the checkpoint to go on from. Throws
   * RunError when the file is shorter than that or the cut is not at the end of a line: then it was edited meanwhile.
   */
  static open(file: string, { keepBytes }: { readonly keepBytes: number }): MetricsLog {
    try {
      // Read and write without truncating; O_APPEND would ignore the cut on some systems.
      const descriptor = fs.openSync(file, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o666);
      try {
        const { size } = fs.fstatSync(descriptor);
        if (size < keepBytes) {
          throw new RunError(
            file,
            `has ${size} bytes, the checkpoint was made at ${keepBytes}; it was changed since. Restore it, or start a new run.`,
          );
        }
        if (keepBytes > 0) {
          const last = new Uint8Array(1);
          fs.readSync(descriptor, last, 0, 1, keepBytes - 1);
          if (last[0] !== 10)
            throw new RunError(file, `has no line end at byte ${keepBytes}, where the checkpoint was made; it was changed since.`);
        }
        if (size > keepBytes) fs.ftruncateSync(descriptor, keepBytes);
        return new MetricsLog(file, descriptor, keepBytes);
      } catch (error) {
        fs.closeSync(descriptor);
        throw error;
      }
    } catch (cause) {
      throw diskError(file, cause);
    }
  }

  /** Length of the file: all whole lines appended so far. */
  get bytes(): number {
    return this.length;
  }

  /** Appends a line. It is with the operating system when this returns (a killed process loses nothing). */
  append(record: MetricsRecord): void {
    const descriptor = this.opened();
    const line = Buffer.from(`${JSON.stringify(record, sayNonFinite)}\n`);
    try {
      for (let done = 0; done < line.length; ) done += fs.writeSync(descriptor, line, done, line.length - done, this.length + done);
      this.length += line.length;
    } catch (cause) {
      try {
        fs.ftruncateSync(descriptor, this.length);
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

/** All whole lines of a metrics file; a last line without its end (the run was killed while writing it) is left out. */
export function readMetrics(file: string): MetricsRecord[] {
  let text: string;
  try {
    text = fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw diskError(file, cause, { reading: true });
  }
  const lines = text.split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line) as MetricsRecord;
    } catch (cause) {
      throw new RunError(file, `line ${i + 1} is not JSON; the file was changed by something else.`, { cause });
    }
  });
}

const sayNonFinite = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
