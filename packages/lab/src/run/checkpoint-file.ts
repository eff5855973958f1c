import { readSafetensorsMetadata } from '@initlab/nn';
import * as z from 'zod';
import type { LogPosition } from './metrics-chain.js';
import { RunError } from './run-error.js';
import { blankSeal, checkSeal, seal } from './seal.js';

/** What ties a checkpoint to its run: written into its metadata, as strings. */
export interface CheckpointTies {
  /** Digest of config.json. */
  readonly config: string;
  /** Where the log stood. */
  readonly log: LogPosition;
  /** Where the probes stood; absent where there are none. */
  readonly probes?: LogPosition | undefined;
  /** Its number among the run's checkpoints, from 1. */
  readonly saves: number;
}

/** Where a run goes on from. */
export interface Checkpoint {
  /** The safetensors file. */
  readonly bytes: Uint8Array;
  /** Its `__metadata__`. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly ties: CheckpointTies;
}

const keys = {
  config: 'initlab.config',
  bytes: 'initlab.metricsBytes',
  chain: 'initlab.metricsChain',
  probesBytes: 'initlab.probesBytes',
  probesChain: 'initlab.probesChain',
  saves: 'initlab.saves',
  seal: 'initlab.seal',
} as const;
const count = z.coerce.number().int().min(0);
const tiesSchema = z.object({
  [keys.config]: z.string(),
  [keys.bytes]: count,
  [keys.chain]: z.string(),
  [keys.probesBytes]: count.optional(),
  [keys.probesChain]: z.string().optional(),
  [keys.saves]: count,
});

/** The metadata a checkpoint is to be encoded with. */
export const checkpointMetadata = ({ config, log, probes, saves }: CheckpointTies): Record<string, string> => ({
  [keys.config]: config,
  [keys.bytes]: String(log.bytes),
  [keys.chain]: log.chain,
  ...(probes ? { [keys.probesBytes]: String(probes.bytes), [keys.probesChain]: probes.chain } : {}),
  [keys.saves]: String(saves),
  [keys.seal]: blankSeal,
});

/** Fills in the seal of a file that was encoded with `checkpointMetadata(ties)`. Throws RunError where it was encoded without. */
export function sealCheckpoint(bytes: Uint8Array, { file, ties }: { readonly file: string; readonly ties: CheckpointTies }): void {
  const { metadata, end } = readHeader(bytes, file);
  for (const [key, value] of Object.entries(checkpointMetadata(ties)))
    if (metadata[key] !== value)
      throw new RunError(file, `was encoded without the metadata given; saveCheckpoint's encode must store ${key}`);
  seal(bytes, { end });
}

/** Reads what a checkpoint says of itself. Throws RunError where any byte of it was changed. */
export function openCheckpoint(bytes: Uint8Array, { file }: { readonly file: string }): Checkpoint {
  const { metadata, end } = readHeader(bytes, file);
  if (metadata[keys.seal] === undefined) throw new RunError(file, 'has no seal; it is not a checkpoint of a run, or of an older initlab.');
  if (checkSeal(bytes, { end }) === undefined)
    throw new RunError(file, 'was changed since it was written: its seal does not fit. Restore it, or start a new run.');
  const ties = tiesSchema.safeParse(metadata);
  if (!ties.success) throw new RunError(file, 'does not say where in its run it belongs; it is not a checkpoint of a run.');
  const { [keys.config]: config, [keys.bytes]: logBytes, [keys.chain]: chain, [keys.saves]: saves } = ties.data;
  const { [keys.probesBytes]: probesBytes, [keys.probesChain]: probesChain } = ties.data;
  const probes = probesBytes === undefined || probesChain === undefined ? undefined : { bytes: probesBytes, chain: probesChain };
  return { bytes, metadata, ties: { config, log: { bytes: logBytes, chain }, ...(probes ? { probes } : {}), saves } };
}

/** The same checkpoint, tied to another run. */
export function retieCheckpoint(
  { bytes }: Checkpoint,
  { file, ties }: { readonly file: string; readonly ties: CheckpointTies },
): Uint8Array {
  const { metadata, end } = readHeader(bytes, file);
  const parsed = JSON.parse(new TextDecoder().decode(bytes.subarray(8, end))) as object;
  const text = JSON.stringify({ ...parsed, __metadata__: { ...metadata, ...checkpointMetadata(ties) } });
  // Data starts at a multiple of 8; the format pads the header with spaces.
  const head = new TextEncoder().encode(text);
  const padded = Math.ceil(head.length / 8) * 8;
  const whole = new Uint8Array(8 + padded + bytes.length - end).fill(32, 8, 8 + padded);
  new DataView(whole.buffer).setBigUint64(0, BigInt(padded), true);
  whole.set(head, 8);
  whole.set(bytes.subarray(end), 8 + padded);
  sealCheckpoint(whole, { file, ties });
  return whole;
}

interface Header {
  readonly metadata: Readonly<Record<string, string>>;
  /** Where it ends in the file. */
  readonly end: number;
}

/** The header of a safetensors file, checked against the format and the bytes that are there. */
function readHeader(bytes: Uint8Array, file: string): Header {
  try {
    const metadata = readSafetensorsMetadata(bytes);
    return { metadata, end: 8 + Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)) };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunError(file, `is no whole safetensors file (${reason}). Restore it, or start a new run.`, { cause });
  }
}
