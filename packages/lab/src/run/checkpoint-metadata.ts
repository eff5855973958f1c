import { z } from 'zod';
import { RunError } from './run-error.js';

/** Key under which a checkpoint says how long metrics.jsonl was when it was made. */
export const metricsBytesKey = 'initlab.metricsBytes';

const header = z.looseObject({ __metadata__: z.record(z.string(), z.string()).optional() });
/** safetensors' own limit for its header. */
const maxHeaderBytes = 100 * 2 ** 20;

/**
 * The `__metadata__` strings of a safetensors file: eight bytes of little-endian header length, then JSON. The length is
 * only compared with the bytes that are there. Throws RunError for a file that is cut off or no safetensors.
 */
export function checkpointMetadata(bytes: Uint8Array, { file }: { readonly file: string }): Readonly<Record<string, string>> {
  const bad = (what: string, cause?: unknown): RunError =>
    new RunError(file, `${what}; it is no whole safetensors file. Remove it to start the run anew.`, { cause });
  if (bytes.length < 8) throw bad(`has ${bytes.length} bytes`);
  const claimed = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (claimed > BigInt(Math.min(maxHeaderBytes, bytes.length - 8)))
    throw bad(`says its header has ${claimed} bytes, of ${bytes.length} in all`);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + Number(claimed)));
    return header.parse(JSON.parse(text)).__metadata__ ?? {};
  } catch (cause) {
    throw bad('has a header that cannot be read', cause);
  }
}
