import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { diskError, type PluginCopies } from '../run/index.js';
import type { LoadedPlugin } from './load-plugin.js';

/** The user's own files as they go into a run's folder, imported ones too: their content by path, below what they are for. */
export async function pluginCopies(plugins: Readonly<Record<string, LoadedPlugin | undefined>>): Promise<PluginCopies> {
  const copies = new Map<string, Uint8Array>();
  for (const [kind, plugin] of Object.entries(plugins))
    for (const one of plugin?.files ?? []) {
      // As they lie to each other, so that the copy can be run; what lies above the plug-in goes beside it.
      const place = path.relative(path.dirname(plugin?.file ?? one), one);
      const bytes = await readFile(one).catch((cause: unknown) => {
        throw diskError(one, cause, { reading: true });
      });
      copies.set([kind, ...(place.startsWith('..') ? [path.basename(one)] : place.split(path.sep))].join('/'), bytes);
    }
  return copies;
}
