import { readFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { makeFolder, RunError, replaceFile } from '../run/index.js';
import { standOf } from '../train/run-position.js';

/** How often a run is begun from one stand before it is given up: the first time, and three restarts. */
export const mostStarts = 4;

const startsFile = '.starts.json';
const startsSchema = z.object({ launch: z.string(), stand: z.string(), starts: z.number().int() });

/**
 * Counts the starts of a task's runs, in the folder of each: a run that kills its process, or a time too short for a step,
 * would be begun for ever by a queue that takes it back. What was saved since the last start is progress, and the count begins
 * anew; so it does with every submission, which a person made.
 */
export class RunStarts {
  private readonly counted = new Map<string, RunError | undefined>();

  constructor(private readonly options: { readonly place: string; readonly launch: string; readonly logs: string }) {}

  /** Counts a start, once in a process. Throws RunError where the run was begun too often. */
  async begin(key: string): Promise<void> {
    if (!this.counted.has(key)) this.counted.set(key, await this.count(key));
    const refused = this.counted.get(key);
    if (refused) throw refused;
  }

  private async count(key: string): Promise<RunError | undefined> {
    const { place, launch, logs } = this.options;
    const folder = path.join(place, key);
    await makeFolder(place);
    await makeFolder(folder);
    const stand = await standOf(folder);
    const known = await readStarts(path.join(folder, startsFile));
    const starts = known?.launch === launch && known.stand === stand ? known.starts + 1 : 1;
    if (starts > mostStarts)
      return new RunError(
        folder,
        `was begun ${mostStarts} times since it was sent, and no step was saved from one to the next: it is given up. See ${logs}; send it again once the cause is gone.`,
      );
    await replaceFile(path.join(folder, startsFile), `${JSON.stringify({ launch, stand, starts })}\n`);
    return undefined;
  }
}

async function readStarts(file: string): Promise<z.infer<typeof startsSchema> | undefined> {
  try {
    return startsSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch {
    return undefined;
  }
}
