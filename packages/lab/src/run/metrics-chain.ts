import { createHash } from 'node:crypto';
import type { JsonObject } from './sealed-json.js';

/** One line of metrics.jsonl. Numbers that JSON lacks are written as the strings 'NaN', 'Infinity' and '-Infinity'. */
export type MetricsRecord = Readonly<Record<string, string | number | boolean | null>>;

/** Where a log stands: after so many bytes, with this hash of everything before. */
export interface LogPosition {
  readonly bytes: number;
  /** Of the run's config and all lines so far. */
  readonly chain: string;
}

/** A whole line whose hash fits. */
export interface ChainedLine {
  readonly record: MetricsRecord;
  /** Checkpoints that had been written before it. */
  readonly saves: number;
  /** After it. */
  readonly position: LogPosition;
}

/** What a log holds: lines that follow from one another, and whether something else comes after them. */
export interface ChainedLog {
  readonly lines: readonly ChainedLine[];
  /** Number, from 1, of the first whole line that does not follow; undefined where all do. */
  readonly broken?: number;
  /** Bytes after the last line end: a line that a killed process began. */
  readonly torn: number;
}

/** Where a log begins: its lines belong to the config with this digest. */
export const logStart = (config: string): LogPosition => ({ bytes: 0, chain: config.slice(0, 32) });

/** A line for `record` with the hash of itself and all before it, and the position after it. */
export function chainLine(
  record: JsonObject,
  { after, saves }: { readonly after: LogPosition; readonly saves: number },
): { readonly line: Uint8Array; readonly position: LogPosition } {
  const body = JSON.stringify({ ...record, saves }, sayNonFinite);
  const chain = linkOf(after.chain, body);
  const line = new TextEncoder().encode(`${body.slice(0, -1)},"chain":"${chain}"}\n`);
  return { line, position: { bytes: after.bytes + line.length, chain } };
}

/** Reads a log as far as each line follows from the one before. */
export function readChain(bytes: Uint8Array, start: LogPosition): ChainedLog {
  const lines: ChainedLine[] = [];
  let { chain } = start;
  let at = 0;
  for (let end = bytes.indexOf(10, at); end >= 0; end = bytes.indexOf(10, at)) {
    const line = parseLine(bytes.subarray(at, end), chain);
    if (!line) return { lines, broken: lines.length + 1, torn: bytes.length - at };
    at = end + 1;
    chain = line.chain;
    lines.push({ record: line.record, saves: line.saves, position: { bytes: at, chain } });
  }
  return { lines, torn: bytes.length - at };
}

const ending = /,"chain":"([0-9a-f]{32})"\}$/;

function parseLine(bytes: Uint8Array, before: string): { record: MetricsRecord; saves: number; chain: string } | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const chain = ending.exec(text)?.[1];
    if (chain === undefined) return undefined;
    const body = text.replace(ending, '}');
    if (linkOf(before, body) !== chain) return undefined;
    const { saves, ...record } = JSON.parse(body) as MetricsRecord;
    return { record, saves: Number(saves), chain };
  } catch {
    return undefined;
  }
}

/** A record as it will be read back. */
export const asRead = (record: MetricsRecord): MetricsRecord => JSON.parse(JSON.stringify(record, sayNonFinite)) as MetricsRecord;

/** Half of a SHA-256: against chance and mistakes it is enough, and lines stay readable. */
const linkOf = (before: string, body: string): string => createHash('sha256').update(before).update(body).digest('hex').slice(0, 32);

const sayNonFinite = (_key: string, value: unknown): unknown =>
  typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
