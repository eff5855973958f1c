import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { type MetricsRecord, readMetrics } from './metrics-log.js';
import { diskError, RunError } from './run-error.js';
import { type JsonObject, runFiles } from './run-folder.js';

/** The result and the metrics of a run that has ended. Throws RunError when a file is missing or is not what initlab wrote. */
export async function readFinishedRun(folder: string): Promise<{ result: JsonObject; metrics: MetricsRecord[] }> {
  const file = path.join(folder, runFiles.result);
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw diskError(file, cause);
  });
  try {
    const result = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    return { result, metrics: readMetrics(path.join(folder, runFiles.metrics)) };
  } catch (cause) {
    if (cause instanceof RunError) throw cause;
    throw new RunError(file, 'is not a JSON object; it was changed by something else.', { cause });
  }
}
