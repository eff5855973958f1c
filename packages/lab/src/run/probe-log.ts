import { existsSync } from 'node:fs';
import path from 'node:path';
import { type LogPosition, logStart } from './metrics-chain.js';
import { MetricsLog } from './metrics-log.js';
import { runFiles } from './run-files.js';
import type { JsonObject } from './sealed-json.js';

/** `probes.jsonl` of a run, which is there only from the first probe on. */
export class ProbeLog {
  private constructor(
    private readonly file: string,
    private readonly start: LogPosition,
    private log: MetricsLog | undefined,
  ) {}

  /** Cut at `keep`, where there is one already. `config`: digest of the run's config.json. */
  static open(folder: string, { config, keep }: { readonly config: string; readonly keep?: LogPosition }): ProbeLog {
    const file = path.join(folder, runFiles.probes);
    const start = logStart(config);
    return new ProbeLog(file, start, existsSync(file) ? MetricsLog.open(file, keep ?? start) : undefined);
  }

  /** After all probes so far; undefined where there are none. */
  get position(): LogPosition | undefined {
    const at = this.log?.position;
    return at && at.bytes > 0 ? at : undefined;
  }

  /** As `MetricsLog.append`. */
  append(record: JsonObject, saved: { readonly saves: number }): void {
    this.log ??= MetricsLog.open(this.file, this.start);
    this.log.append(record, saved);
  }

  /** Waits until the disk has every probe. */
  sync(): void {
    this.log?.sync();
  }

  close(): void {
    this.log?.close();
  }
}
