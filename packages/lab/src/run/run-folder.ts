import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import {
  type Checkpoint,
  type CheckpointTies,
  checkpointMetadata,
  openCheckpoint,
  retieCheckpoint,
  sealCheckpoint,
} from './checkpoint-file.js';
import { FolderLock, type TakeLockOptions } from './folder-lock.js';
import { makeFolder, syncFolder } from './make-folder.js';
import { asRead, logStart, type MetricsRecord } from './metrics-chain.js';
import { MetricsLog } from './metrics-log.js';
import { ProbeLog } from './probe-log.js';
import { replaceFile } from './replace-file.js';
import { RunError } from './run-error.js';
import { checkPlugins, type PluginCopies, pluginHashes, runFiles, writePlugins } from './run-files.js';
import { checkVacant, newFolder, runId } from './run-place.js';
import {
  hasBegun,
  positionToKeep,
  probesToKeep,
  type RunParent,
  type RunStart,
  readCheckpoint,
  readLog,
  readProbeLog,
  readResult,
  readStart,
} from './run-state.js';
import { type JsonObject, writeSealed } from './sealed-json.js';

/** A run to be started. */
export interface CreateRunOptions extends TakeLockOptions {
  /** Everything that decides the run's numbers; written first. */
  readonly config: JsonObject;
  /** What the run is, for its id: `cnn-init`. */
  readonly name: string;
  /** Folder to make the run's own folder in. Default `runs`. */
  readonly root?: string;
  /** The run's own folder instead; it must be absent or empty, or hold a run that ended before it logged anything. */
  readonly folder?: string;
  /** The user's own files, kept with the run. Default none. */
  readonly plugins?: PluginCopies;
  /** Moment for the id. Default now. */
  readonly now?: Date;
}

/**
 * A run on disk: `config.json` first, `metrics.jsonl` and `probes.jsonl` line by line, `checkpoint.safetensors` written aside and renamed,
 * `result.json` last. Whatever moment the process is killed at, `RunFolder.resume` finds a consistent state: the last
 * checkpoint and exactly the metrics that were logged before it. Each file carries hashes of itself and of what it follows
 * from, so what was changed meanwhile is refused. The folder is locked until `close` or `finish`.
 */
export class RunFolder {
  private constructor(
    readonly folder: string,
    private readonly start: RunStart,
    private readonly log: MetricsLog,
    private readonly probeLog: ProbeLog,
    private readonly lock: FolderLock,
    private state: {
      /** Where to go on; undefined when the run starts at its beginning. */
      readonly checkpoint?: Checkpoint | undefined;
      readonly result?: JsonObject | undefined;
      readonly missingPlugins?: readonly string[];
      records: MetricsRecord[];
      saves: number;
    },
  ) {}

  /** Starts a run in a new folder. Throws RunError when the folder holds something already or cannot be written. */
  static create(options: CreateRunOptions): Promise<RunFolder> {
    return RunFolder.begin(options, undefined);
  }

  /** Opens a folder, new or vacant, for a run with this configuration. */
  private static async begin(options: CreateRunOptions, parent: RunParent | undefined): Promise<RunFolder> {
    const { config, plugins = new Map() } = options;
    const folder = options.folder ?? (await newFolder(options.root ?? 'runs', runId(options.name, options.now ?? new Date())));
    await makeFolder(folder);
    const lock = FolderLock.take(folder, options);
    return lock.during(async () => {
      await checkVacant(folder);
      const copies = pluginHashes(plugins);
      const digest = await writeSealed(path.join(folder, runFiles.config), {
        ...config,
        ...(plugins.size > 0 ? { copies } : {}),
        ...(parent ? { parent } : {}),
      });
      await writePlugins(folder, plugins);
      const log = MetricsLog.open(path.join(folder, runFiles.metrics), logStart(digest));
      const probes = ProbeLog.open(folder, { config: digest });
      await syncFolder(folder);
      return new RunFolder(folder, { config, digest, plugins: copies, parent }, log, probes, lock, { records: [], saves: 0 });
    });
  }

  /**
   * Opens a run to go on with it: metrics logged after the last checkpoint are dropped, since they will be logged again.
   * With `config`, throws RunError naming what differs from the run's own. Also throws where any of its files was changed, and
   * where another process has the run open.
   */
  static async resume(
    folder: string,
    { config, force = false }: { readonly config?: JsonObject } & TakeLockOptions = {},
  ): Promise<RunFolder> {
    // Looked at before the lock is taken, which would be written into a folder that is no run's.
    await readStart(folder);
    const lock = FolderLock.take(folder, { force });
    return lock.during(async () => {
      const start = await readStart(folder);
      if (config) compareConfigs(folder, start.config, config);
      const checkpoint = await readCheckpoint(folder, start);
      const result = await readResult(folder, start);
      const log = await readLog(folder, start);
      const keep = positionToKeep(folder, { start, log, checkpoint, result });
      const keepProbes = probesToKeep(folder, { start, log: await readProbeLog(folder, start), checkpoint, result });
      const missingPlugins = await checkPlugins(folder, { hashes: start.plugins, mayMiss: !hasBegun({ log, checkpoint }) });
      const metrics = MetricsLog.open(path.join(folder, runFiles.metrics), keep);
      const probes = ProbeLog.open(folder, { config: start.digest, keep: keepProbes });
      return new RunFolder(folder, start, metrics, probes, lock, {
        checkpoint,
        result: result?.value,
        missingPlugins,
        records: log.lines.filter(({ position }) => position.bytes <= keep.bytes).map(({ record }) => record),
        saves: checkpoint?.ties.saves ?? result?.ties.saves ?? 0,
      });
    });
  }

  /** A new run that begins where this one stands: with its metrics, probes and checkpoint, under another configuration. */
  async extend(options: CreateRunOptions): Promise<RunFolder> {
    const { checkpoint } = this;
    const { position } = this.log;
    const parent = { run: this.id, config: this.start.digest, chain: position.chain, saves: this.state.saves };
    const probes = await this.probes();
    const run = await RunFolder.begin(options, parent);
    return run.lock.during(async () => {
      for (const record of this.state.records) run.logMetrics(record);
      for (const probe of probes) run.logProbe(probe);
      if (!checkpoint) return run;
      run.syncLogs();
      const file = path.join(run.folder, runFiles.checkpoint);
      const ties = run.nextTies();
      const bytes = retieCheckpoint(checkpoint, { file, ties });
      await replaceFile(file, bytes);
      run.state = { ...run.state, checkpoint: openCheckpoint(bytes, { file }), saves: ties.saves };
      return run;
    });
  }

  get config(): JsonObject {
    return this.start.config;
  }

  /** The run it goes on from, where it was made with `extend`. */
  get parent(): RunParent | undefined {
    return this.start.parent;
  }

  /** Where to go on; undefined when the run starts at its beginning. */
  get checkpoint(): Checkpoint | undefined {
    return this.state.checkpoint;
  }

  /** The result, when the run was complete as it was opened. */
  get result(): JsonObject | undefined {
    return this.state.result;
  }

  /** Last part of the folder's path. */
  get id(): string {
    return path.basename(path.resolve(this.folder));
  }

  /** Copies what a run lacks that was killed while its folder was made. */
  async completePlugins(plugins: PluginCopies): Promise<void> {
    const { missingPlugins = [] } = this.state;
    await writePlugins(this.folder, new Map([...plugins].filter(([name]) => missingPlugins.includes(name))));
    await checkPlugins(this.folder, { hashes: this.start.plugins, mayMiss: false });
  }

  /** Appends a line to metrics.jsonl. */
  logMetrics(record: MetricsRecord): void {
    this.lock.checkHeld();
    this.log.append(record, this.state);
    this.state.records.push(asRead(record));
  }

  /** Appends a line to probes.jsonl. */
  logProbe(record: JsonObject): void {
    this.lock.checkHeld();
    this.probeLog.append(record, this.state);
  }

  /** All probes of the run so far, read from its file. */
  async probes(): Promise<JsonObject[]> {
    const end = this.probeLog.position?.bytes ?? 0;
    const { lines } = await readProbeLog(this.folder, this.start);
    return lines.filter(({ position }) => position.bytes <= end).map(({ record }) => record);
  }

  /** All metrics of the run so far, those from before a resume included. */
  metrics(): MetricsRecord[] {
    return [...this.state.records];
  }

  /**
   * Replaces the checkpoint. `encode` makes the safetensors file and must put the strings it is given into the file's
   * metadata: they tie the checkpoint to the metrics and probes logged up to now, so log first, then save.
   */
  async saveCheckpoint(encode: (metadata: Readonly<Record<string, string>>) => Uint8Array | Promise<Uint8Array>): Promise<void> {
    const file = path.join(this.folder, runFiles.checkpoint);
    this.syncLogs();
    const ties = this.nextTies();
    const bytes = await encode(checkpointMetadata(ties));
    sealCheckpoint(bytes, { file, ties });
    this.lock.checkHeld();
    await replaceFile(file, bytes);
    this.state.saves = ties.saves;
  }

  /** Writes `result.json`, the sign that the run is complete, and closes the run. */
  async finish(result: JsonObject): Promise<void> {
    this.lock.checkHeld();
    this.syncLogs();
    const { bytes, chain } = this.log.position;
    const probes = this.probeLog.position;
    const of = {
      ...{ config: this.start.digest, metricsBytes: bytes, metricsChain: chain },
      ...(probes ? { probes } : {}),
      saves: this.state.saves,
    };
    await writeSealed(path.join(this.folder, runFiles.result), { ...result, of });
    this.close();
  }

  /** Throws RunError where another process has taken the folder: call it before writing there. */
  checkHeld(): void {
    this.lock.checkHeld();
  }

  /** Closes the metrics file. The run can be resumed. May be called twice. */
  close(): void {
    this.log.close();
    this.probeLog.close();
    this.lock.release();
  }

  /**
   * Takes the run away and closes it, so that its folder can begin anew. By one renaming while the folder is this process's:
   * afterwards it may be another's already, and killed in the midst of it, nothing half stands there.
   */
  async discard(): Promise<void> {
    this.lock.checkHeld();
    const aside = path.join(path.dirname(this.folder), `.${this.id}.discarded-${process.pid}`);
    await rename(this.folder, aside);
    this.close();
    await rm(aside, { recursive: true, force: true });
  }

  private syncLogs(): void {
    this.log.sync();
    this.probeLog.sync();
  }

  /** What the next checkpoint follows from. */
  private nextTies(): CheckpointTies {
    return { config: this.start.digest, log: this.log.position, probes: this.probeLog.position, saves: this.state.saves + 1 };
  }
}

function compareConfigs(folder: string, stored: JsonObject, wanted: JsonObject): void {
  // Through JSON, since that is how the stored one went: undefined and dates look alike then.
  const given = JSON.parse(JSON.stringify(wanted)) as JsonObject;
  const keys = [...new Set([...Object.keys(stored), ...Object.keys(given)])].filter((key) => !isDeepStrictEqual(stored[key], given[key]));
  if (keys.length === 0) return;
  const differences = keys.map((key) => `${key} is ${JSON.stringify(stored[key])} there and ${JSON.stringify(given[key])} here`);
  throw new RunError(folder, `was started with other settings: ${differences.join('; ')}. Resume with the same, or start a new run.`);
}
