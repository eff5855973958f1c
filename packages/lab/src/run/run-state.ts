import path from 'node:path';
import * as z from 'zod';
import { type Checkpoint, openCheckpoint } from './checkpoint-file.js';
import { type ChainedLog, type LogPosition, logStart, type MetricsRecord, readChain } from './metrics-chain.js';
import { RunError } from './run-error.js';
import { checkPlugins, type PluginHashes, runFiles } from './run-files.js';
import { type JsonObject, readIfThere, readSealed } from './sealed-json.js';

/** The run that another one goes on from, with more epochs. */
const parentSchema = z.object({ run: z.string(), config: z.string(), chain: z.string(), saves: z.number() });
export type RunParent = Readonly<z.infer<typeof parentSchema>>;

/** What a run was started with. */
export interface RunStart {
  readonly config: JsonObject;
  /** Of config.json: what else the run holds is tied to it. */
  readonly digest: string;
  readonly plugins: PluginHashes;
  readonly parent: RunParent | undefined;
}

/** What result.json was written after. */
const tiesSchema = z.object({
  config: z.string(),
  metricsBytes: z.number(),
  metricsChain: z.string(),
  probes: z.object({ bytes: z.number(), chain: z.string() }).optional(),
  saves: z.number(),
});
export type ResultTies = Readonly<z.infer<typeof tiesSchema>>;

export interface RunResult {
  readonly value: JsonObject;
  readonly ties: ResultTies;
}

/** config.json. Throws RunError where there is none, or it was changed. */
export async function readStart(folder: string): Promise<RunStart> {
  const file = path.join(folder, runFiles.config);
  const stored = await readSealed(file);
  if (!stored) throw new RunError(folder, 'holds no run (there is no config.json). Check the folder, or start without --resume.');
  const { copies, parent, ...config } = stored.value;
  const plugins = z.record(z.string(), z.string()).safeParse(copies ?? {});
  const from = parentSchema.optional().safeParse(parent);
  if (!plugins.success || !from.success) throw new RunError(file, 'says of its copies or its parent what cannot be read.');
  return { config, digest: stored.digest, plugins: plugins.data, parent: from.data };
}

/** result.json; undefined while the run is not complete. Throws RunError where it was changed or is another run's. */
export async function readResult(folder: string, { digest }: Pick<RunStart, 'digest'>): Promise<RunResult | undefined> {
  const file = path.join(folder, runFiles.result);
  const stored = await readSealed(file);
  if (!stored) return undefined;
  const { of, ...value } = stored.value;
  const ties = tiesSchema.safeParse(of);
  if (!ties.success) throw new RunError(file, 'does not say what it is the result of.');
  if (ties.data.config !== digest) throw new RunError(file, 'belongs to another run than the config.json beside it.');
  return { value, ties: ties.data };
}

/** The checkpoint; undefined where there is none. Throws RunError where it was changed or is another run's. */
export async function readCheckpoint(folder: string, { digest }: Pick<RunStart, 'digest'>): Promise<Checkpoint | undefined> {
  const file = path.join(folder, runFiles.checkpoint);
  const bytes = await readIfThere(file);
  if (!bytes) return undefined;
  const checkpoint = openCheckpoint(bytes, { file });
  if (checkpoint.ties.config !== digest) throw new RunError(file, 'belongs to another run than the config.json beside it.');
  return checkpoint;
}

/** metrics.jsonl, as far as each line follows from the one before; empty where there is none. */
export const readLog = (folder: string, start: Pick<RunStart, 'digest'>): Promise<ChainedLog> => readLines(folder, runFiles.metrics, start);

/** probes.jsonl, likewise. */
export const readProbeLog = (folder: string, start: Pick<RunStart, 'digest'>): Promise<ChainedLog> =>
  readLines(folder, runFiles.probes, start);

async function readLines(folder: string, name: string, { digest }: Pick<RunStart, 'digest'>): Promise<ChainedLog> {
  return readChain((await readIfThere(path.join(folder, name))) ?? new Uint8Array(), logStart(digest));
}

interface Parts {
  readonly start: Pick<RunStart, 'digest'>;
  readonly log: ChainedLog;
  /** Undefined where there is none; leave it out where it was not looked at. */
  readonly checkpoint?: Checkpoint | undefined;
  readonly result: RunResult | undefined;
}

/**
 * Where the log is to be cut to go on: what came after the checkpoint is made again. Throws RunError naming the file where
 * log, checkpoint and result do not belong to one moment of one run.
 */
export function positionToKeep(folder: string, parts: Parts): LogPosition {
  const { start, log, checkpoint, result } = parts;
  const file = path.join(folder, runFiles.checkpoint);
  if (result) checkFinished(folder, parts);
  const saves = checkpoint?.ties.saves ?? 0;
  const newer = log.lines.findIndex((line) => line.saves > saves);
  if (newer >= 0 && !(result && !checkpoint)) {
    const found = checkpoint ? `is the run's checkpoint number ${saves}` : 'is missing';
    const lost = `${found}, but line ${newer + 1} of ${runFiles.metrics} was logged after number ${log.lines[newer]?.saves}`;
    throw new RunError(file, `${lost}. Restore the newer one, or start a new run.`);
  }
  if (result) return { bytes: result.ties.metricsBytes, chain: result.ties.metricsChain };
  if (!checkpoint) return logStart(start.digest);
  const keep = checkpoint.ties.log;
  checkReaches(path.join(folder, runFiles.metrics), { log, keep, start, what: 'the checkpoint was made' });
  const early = log.lines.findIndex((line) => line.position.bytes <= keep.bytes && line.saves >= saves);
  if (early >= 0) throw new RunError(file, `is older than line ${early + 1} of ${runFiles.metrics}, which it says it came after.`);
  return keep;
}

/** A complete run's log ends where its result was written. */
function checkFinished(folder: string, { start, log, checkpoint, result }: Parts): void {
  if (!result) return;
  const { metricsBytes: bytes, metricsChain: chain, saves } = result.ties;
  const file = path.join(folder, runFiles.metrics);
  checkReaches(file, { log, keep: { bytes, chain }, start, what: 'the result was written' });
  checkEnds(file, { log, bytes });
  if (checkpoint && checkpoint.ties.saves !== saves)
    throw new RunError(
      path.join(folder, runFiles.checkpoint),
      `is the run's checkpoint number ${checkpoint.ties.saves}; the result was written after number ${saves}.`,
    );
}

/**
 * Where the probes are to be cut to go on, as `positionToKeep` says of the metrics. Throws RunError where they are not those that
 * the checkpoint or the result came after.
 */
export function probesToKeep(
  folder: string,
  { start, log, checkpoint, result }: Omit<Parts, 'log'> & { /** Of probes.jsonl. */ readonly log: ChainedLog },
): LogPosition {
  const file = path.join(folder, runFiles.probes);
  const keep = (result ? result.ties.probes : checkpoint?.ties.probes) ?? logStart(start.digest);
  checkReaches(file, { log, keep, start, what: result ? 'the result was written' : 'the checkpoint was made' });
  if (result) checkEnds(file, { log, bytes: keep.bytes });
  return keep;
}

function checkEnds(file: string, { log, bytes }: { readonly log: ChainedLog; readonly bytes: number }): void {
  if ((log.lines.at(-1)?.position.bytes ?? 0) > bytes || log.torn > 0)
    throw new RunError(file, `goes on after byte ${bytes}, where the result was written; it was changed since.`);
}

function checkReaches(
  file: string,
  { log, keep, start, what }: { log: ChainedLog; keep: LogPosition; start: Pick<RunStart, 'digest'>; what: string },
): void {
  const ends = [logStart(start.digest), ...log.lines.map(({ position }) => position)];
  if (ends.some(({ bytes, chain }) => bytes === keep.bytes && chain === keep.chain)) return;
  const reached = ends.at(-1)?.bytes ?? 0;
  if (log.broken !== undefined && reached < keep.bytes) throw new RunError(file, changedLine(log.broken));
  if (reached < keep.bytes)
    throw new RunError(
      file,
      `has ${reached} bytes of whole lines, ${what} at ${keep.bytes}; it was changed since. Restore it, or start a new run.`,
    );
  throw new RunError(file, `is not the log that ${what} with; it was changed since. Restore it, or start a new run.`);
}

const changedLine = (line: number): string =>
  `line ${line} was changed since it was written, or one before it is missing: its hash does not follow. Restore it, or start a new run.`;

/** A run as it lies in its folder. */
export interface StoredRun extends RunStart {
  readonly folder: string;
  readonly metrics: readonly MetricsRecord[];
  /** Lines of probes.jsonl, where they were asked for. */
  readonly probes: readonly JsonObject[];
  /** Undefined while it is not complete. */
  readonly result: JsonObject | undefined;
}

/**
 * Reads a run without going on with it, also one that is being made. Throws RunError naming the file where anything was
 * changed since it was written. With `all`, looks at the checkpoint and the copies of plug-ins too: then nobody may be writing.
 */
export async function readRun(
  folder: string,
  { all = false, probes = all }: { readonly all?: boolean /** Default: with `all` only. */; readonly probes?: boolean } = {},
): Promise<StoredRun> {
  const start = await readStart(folder);
  const checkpoint: Checkpoint | undefined = all ? await readCheckpoint(folder, start) : undefined;
  const result = await readResult(folder, start);
  const log = await readLog(folder, start);
  if (log.broken !== undefined) throw new RunError(path.join(folder, runFiles.metrics), changedLine(log.broken));
  if (all) {
    positionToKeep(folder, { start, log, checkpoint, result });
    await checkPlugins(folder, { hashes: start.plugins, mayMiss: !hasBegun({ log, checkpoint }) });
  } else checkFinished(folder, { start, log, result });
  const seen = probes ? await readProbes(folder, { start, checkpoint, result }) : [];
  return { ...start, folder, metrics: log.lines.map(({ record }) => record), probes: seen, result: result?.value };
}

async function readProbes(folder: string, parts: Omit<Parts, 'log'>): Promise<JsonObject[]> {
  const log = await readProbeLog(folder, parts.start);
  if (log.broken !== undefined) throw new RunError(path.join(folder, runFiles.probes), changedLine(log.broken));
  if (parts.checkpoint || parts.result) probesToKeep(folder, { ...parts, log });
  return log.lines.map(({ record }) => record);
}

/** A run that was killed while its folder was made has logged and saved nothing. */
export const hasBegun = ({ log, checkpoint }: { readonly log: ChainedLog; readonly checkpoint: Checkpoint | undefined }): boolean =>
  log.lines.length > 0 || checkpoint !== undefined;
