import { isDeepStrictEqual } from 'node:util';
import { type JsonObject, RunError, type RunFolder } from '../run/index.js';
import { flagOf, showOption } from '../train/settings-origin.js';

/** The settings a run of this experiment was started with, still to be parsed; another experiment's run is refused. */
export function storedSettings(run: RunFolder, wanted: string): JsonObject {
  const { experiment, ...stored } = run.config;
  if (experiment !== wanted) throw new RunError(run.folder, `is a run of "${String(experiment)}", not of ${wanted}.`);
  return stored;
}

/** A resumed run keeps its settings; giving others is a mistake worth saying. What is undefined was not given. */
export function refuseOtherSettings(run: RunFolder, { stored, given }: { stored: object; given: object }): void {
  for (const [key, value] of Object.entries(given)) {
    const own = (stored as JsonObject)[key];
    if (value !== undefined && !isDeepStrictEqual(own, value))
      throw new RunError(
        run.folder,
        `was started ${own === undefined || own === null ? `without ${flagOf(key)}` : `with ${showOption(key, own)}`}, not ${showOption(key, value)}. With --resume DIR no other settings are needed.`,
      );
  }
}
