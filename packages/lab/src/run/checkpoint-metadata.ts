import { readSafetensorsMetadata } from '@initlab/nn';
import { RunError } from './run-error.js';

/** Key under which a checkpoint says how long metrics.jsonl was when it was made. */
export const metricsBytesKey = 'initlab.metricsBytes';

/**
 * The `__metadata__` strings of a safetensors file, whose header is checked against the format and the bytes that are there.
 * Throws RunError for a file that is cut off or no safetensors.
 */
export function checkpointMetadata(bytes: Uint8Array, { file }: { readonly file: string }): Readonly<Record<string, string>> {
  try {
    return readSafetensorsMetadata(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunError(file, `is no whole safetensors file (${reason}). Remove it to start the run anew.`, { cause });
  }
}
