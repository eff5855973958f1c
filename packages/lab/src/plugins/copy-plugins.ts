import { cp } from 'node:fs/promises';
import path from 'node:path';
import { diskError, makeFolder, runFiles } from '../run/index.js';
import type { LoadedPlugin } from './load-plugin.js';

/** Copies the user's own files into a run's folder, imported ones too, by what they are for. */
export async function copyPlugins(folder: string, plugins: Readonly<Record<string, LoadedPlugin | undefined>>): Promise<void> {
  for (const [kind, plugin] of Object.entries(plugins))
    for (const one of plugin?.files ?? []) {
      // As they lie to each other, so that the copy can be run; what lies above the plug-in goes beside it.
      const place = path.relative(path.dirname(plugin?.file ?? one), one);
      const copy = path.join(folder, runFiles.plugins, kind, place.startsWith('..') ? path.basename(one) : place);
      await makeFolder(path.dirname(copy));
      await cp(one, copy).catch((cause: unknown) => {
        throw diskError(copy, cause);
      });
    }
}
