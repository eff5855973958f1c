import { statSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { checkpointMetadata, metricsBytesKey } from './checkpoint-metadata.js';
import { FolderLock, type TakeLockOptions } from './folder-lock.js';
import { makeFolder } from './make-folder.js';
import { MetricsLog, type MetricsRecord, readMetrics } from './metrics-log.js';
import { replaceFile } from './replace-file.js';
import { diskError, isMissing, RunError } from './run-error.js';

/** Settings or results as they stand in a file. */
export type JsonObject = { readonly [key: string]: unknown };
const jsonObject = z.record(z.string(), z.unknown());

/** Names of what lies in a run’s folder. */
export const runFiles = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  checkpoint: 'checkpoint.safetensors',
  result: 'result.json',
  /** Folder with copies of the user's own files. */
  plugins: 'plugins',
} as const;

/** A run to be started. */
export interface CreateRunOptions {
  /** Everything that decides the run's numbers; written first. */
  readonly config: JsonObject;
  /** What the run is, for its id: `cnn-init`. */
  readonly name: string;
  /** Folder to make the run's own folder in. Default `runs`. */
  readonly root?: string;
  /** The run's own folder instead; it must be absent or empty, or hold a run that ended before it logged anything. */
  readonly folder?: string;
  /** Moment for the id. Default now. */
  readonly now?: Date;
}

/** Where a run goes on from. */
export interface Checkpoint {
  /** The safetensors file. */
  readonly bytes: Uint8Array;
  /** Its `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * A run on disk: `config.json` first, `metrics.jsonl` line by line, `checkpoint.safetensors` written aside and renamed,
 * `result.json` last. Whatever moment the process is killed at, `RunFolder.resume` finds a consistent state: the last
 * checkpoint and exactly the metrics that were logged before it.
 */
export class RunFolder {
  private constructor(
    readonly folder: string,
    readonly config: JsonObject,
    private readonly log: MetricsLog,
    /** Where to go on; undefined when the run starts at its beginning. */
    readonly checkpoint: Checkpoint | undefined,
    private readonly lock: FolderLock,
  ) {}

  /** Starts a run in a new folder. Throws RunError when the folder holds something already or cannot be written. */
  static async create({ force = false, ...options }: CreateRunOptions & TakeLockOptions): Promise<RunFolder> {
    const folder = options.folder ?? (await newFolder(options.root ?? 'runs', runId(options.name, options.now ?? new Date())));
    await makeFolder(folder);
    return RunFolder.locked(folder, { force }, async (lock) => {
      await checkVacant(folder);
      await writeJson(path.join(folder, runFiles.config), options.config);
      const log = MetricsLog.open(path.join(folder, runFiles.metrics), { keepBytes: 0 });
      return new RunFolder(folder, options.config, log, undefined, lock);
    });
  }

  /**
   * Opens a run to go on with it: metrics logged after the last checkpoint are dropped, since they will be logged again.
   * With `config`, throws RunError naming what differs from the run's own. Also throws where another process has the run open.
   */
  static async resume(
    folder: string,
    { config, force = false }: { readonly config?: JsonObject } & TakeLockOptions = {},
  ): Promise<RunFolder> {
    const stored = await readJson(path.join(folder, runFiles.config));
    if (!stored) throw new RunError(folder, 'holds no run (there is no config.json). Check the folder, or start without --resume.');
    if (config) compareConfigs(folder, stored, config);
    return RunFolder.locked(folder, { force }, (lock) => RunFolder.reopen(folder, stored, lock));
  }

  private static async reopen(folder: string, stored: JsonObject, lock: FolderLock): Promise<RunFolder> {
    const file = path.join(folder, runFiles.checkpoint);
    const bytes = await readIfThere(file);
    const checkpoint = bytes && { bytes, metadata: checkpointMetadata(bytes, { file }) };
    const position = checkpoint
      ? z.coerce
          .number()
          .int()
          .min(0)
          .safeParse(checkpoint.metadata[metricsBytesKey] ?? 'none')
      : undefined;
    if (position && !position.success)
      throw new RunError(file, `lacks ${metricsBytesKey} in its metadata; it is not a checkpoint of a run.`);
    const log = MetricsLog.open(path.join(folder, runFiles.metrics), { keepBytes: position?.data ?? 0 });
    return new RunFolder(folder, stored, log, checkpoint, lock);
  }

  /** One process at a time; a run that could not be opened is free again. */
  private static async locked(
    folder: string,
    options: TakeLockOptions,
    open: (lock: FolderLock) => Promise<RunFolder>,
  ): Promise<RunFolder> {
    const lock = FolderLock.take(folder, options);
    try {
      return await open(lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Last part of the folder's path. */
  get id(): string {
    return path.basename(path.resolve(this.folder));
  }

  /** Appends a line to metrics.jsonl. */
  logMetrics(record: MetricsRecord): void {
    this.lock.checkHeld();
    this.log.append(record);
  }

  /** All metrics of the run so far, those from before a resume included. */
  metrics(): MetricsRecord[] {
    return readMetrics(this.log.file);
  }

  /**
   * Replaces the checkpoint. `encode` makes the safetensors file and must put the strings it is given into the file's
   * metadata: they tie the checkpoint to the metrics logged up to now, so log first, then save.
   */
  async saveCheckpoint(encode: (metadata: Readonly<Record<string, string>>) => Uint8Array | Promise<Uint8Array>): Promise<void> {
    const file = path.join(this.folder, runFiles.checkpoint);
    this.log.sync();
    const position = String(this.log.bytes);
    const bytes = await encode({ [metricsBytesKey]: position });
    this.lock.checkHeld();
    if (checkpointMetadata(bytes, { file })[metricsBytesKey] !== position) {
      throw new RunError(file, `was encoded without the metadata given; saveCheckpoint's encode must store ${metricsBytesKey}`);
    }
    await replaceFile(file, bytes);
  }

  /** Writes `result.json`, the sign that the run is complete, and closes the metrics. */
  async finish(result: JsonObject): Promise<void> {
    this.lock.checkHeld();
    this.log.sync();
    await writeJson(path.join(this.folder, runFiles.result), result);
    this.close();
  }

  /** The result, when the run is complete. */
  result(): Promise<JsonObject | undefined> {
    return readJson(path.join(this.folder, runFiles.result));
  }

  /** Throws RunError where another process has taken the folder: call it before writing there. */
  checkHeld(): void {
    this.lock.checkHeld();
  }

  /** Closes the metrics file. The run can be resumed. May be called twice. */
  close(): void {
    this.log.close();
    this.lock.release();
  }
}

/** Refuses a folder that holds anything but what a run leaves that failed before its first epoch; that is cleared away. */
async function checkVacant(folder: string): Promise<void> {
  const present = (await readdir(folder).catch(rethrow(folder))).filter((name) => !name.startsWith('.'));
  const { config, metrics, plugins } = runFiles;
  const early = present.every((name) => name === config || name === metrics || name === plugins);
  if (present.includes(config)) {
    if (!early || (present.includes(metrics) && statSync(path.join(folder, metrics)).size > 0))
      throw new RunError(folder, 'holds a run already. Continue it with --resume, or choose another folder.');
    await rm(path.join(folder, plugins), { recursive: true, force: true });
  } else if (present.length > 0) throw new RunError(folder, 'is not empty. Choose another folder with --out.');
}

/** `2026-05-01T12-30-05-cnn-init`: sorts by time, valid as a file name everywhere. */
export function runId(name: string, now: Date): string {
  return `${now.toISOString().slice(0, 19).replaceAll(':', '-')}-${name.replaceAll(/[^\w.-]+/g, '-')}`;
}

/** Makes a folder nobody has; two runs started in one second get `-2`, `-3`, … */
async function newFolder(root: string, id: string): Promise<string> {
  await makeFolder(root);
  for (let attempt = 1; ; attempt++) {
    const folder = path.join(root, attempt === 1 ? id : `${id}-${attempt}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw diskError(folder, cause);
    }
  }
}

const writeJson = (file: string, value: JsonObject): Promise<void> => replaceFile(file, `${JSON.stringify(value, null, 2)}\n`);

/** A file that cannot be read is an error; one that is not there is none. */
async function readIfThere(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file);
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw diskError(file, cause, { reading: true });
  }
}

async function readJson(file: string): Promise<JsonObject | undefined> {
  const bytes = await readIfThere(file);
  if (!bytes) return undefined;
  try {
    return jsonObject.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new RunError(file, 'is not a JSON object; it was changed by something else.', { cause });
  }
}

function compareConfigs(folder: string, stored: JsonObject, wanted: JsonObject): void {
  // Through JSON, since that is how the stored one went: undefined and dates look alike then.
  const given = jsonObject.parse(JSON.parse(JSON.stringify(wanted)));
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(given)])].filter((key) => !isDeepStrictEqual(stored[key], given[key]));
  if (keys.length === 0) return;
  const differences = keys.map((key) => `${key} is ${JSON.stringify(stored[key])} there and ${JSON.stringify(given[key])} here`);
  throw new RunError(folder, `was started with other settings: ${differences.join('; ')}. Resume with the same, or start a new run.`);
}

const rethrow = (file: string) => (cause: unknown) => {
  throw diskError(file, cause);
};
