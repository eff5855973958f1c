import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { launchFiles } from './launch-folder.js';

const idsSchema = z.array(z.string());

/** Ids of a submission's arrays, in their order, as far as sbatch told them; none where its process died before. */
export async function readJobs(folder: string): Promise<readonly string[]> {
  try {
    return idsSchema.parse(JSON.parse(await readFile(path.join(folder, launchFiles.jobs), 'utf8')));
  } catch {
    return [];
  }
}
