import { createHash } from 'node:crypto';
import path from 'node:path';
import { makeFolder } from './make-folder.js';
import { replaceFile } from './replace-file.js';
import { RunError } from './run-error.js';
import { readIfThere } from './sealed-json.js';

/** Names of what lies in a run’s folder. */
export const runFiles = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  /** What was seen inside the net, where that was asked for. */
  probes: 'probes.jsonl',
  checkpoint: 'checkpoint.safetensors',
  result: 'result.json',
  /** Folder with copies of the user's own files. */
  plugins: 'plugins',
} as const;

/** Copies of the user's own files: their content by path within `plugins/`. */
export type PluginCopies = ReadonlyMap<string, Uint8Array>;
/** Their SHA-256, as config.json keeps them. */
export type PluginHashes = Readonly<Record<string, string>>;

const hashOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const pluginHashes = (copies: PluginCopies): PluginHashes =>
  Object.fromEntries([...copies].map(([name, bytes]) => [name, hashOf(bytes)]));

export async function writePlugins(folder: string, copies: PluginCopies): Promise<void> {
  for (const [name, bytes] of copies) {
    const file = path.join(folder, runFiles.plugins, name);
    await makeFolder(path.dirname(file));
    await replaceFile(file, bytes);
  }
}

/** Throws RunError naming a copy that was changed, or that is missing; with `mayMiss` those are answered. */
export async function checkPlugins(
  folder: string,
  { hashes, mayMiss }: { readonly hashes: PluginHashes; readonly mayMiss: boolean },
): Promise<string[]> {
  const missing: string[] = [];
  for (const [name, hash] of Object.entries(hashes)) {
    const file = path.join(folder, runFiles.plugins, name);
    const bytes = await readIfThere(file);
    if (bytes && hashOf(bytes) !== hash)
      throw new RunError(file, 'was changed since it was copied here; the run was made with another content.');
    if (!bytes && !mayMiss) throw new RunError(file, 'is missing: the run was made with it.');
    if (!bytes) missing.push(name);
  }
  return missing;
}
