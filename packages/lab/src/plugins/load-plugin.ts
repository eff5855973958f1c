import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Message, Plugin } from 'esbuild';
import { diskReason, isMissing } from '../run/run-error.js';
import { PluginError, showFile, whereThrown } from './plugin-error.js';

/** A user's file, loaded. */
export interface LoadedPlugin {
  /** Absolute path. */
  readonly file: string;
  /** It and the user's files it imports, absolute. */
  readonly files: readonly string[];
  readonly exports: Readonly<Record<string, unknown>>;
  /** SHA-256 of what was run, imported files of the user's included: a run is resumed only with the same. */
  readonly hash: string;
  /** The source, kept with the run. */
  readonly source: string;
}

/** `./my-init.ts`, as opposed to a registered name. */
export const isPluginPath = (name: string): boolean => /[\\/]/.test(name) || /\.[cm]?[jt]s$/.test(name);

/**
 * Load a TypeScript or JavaScript file. Its imports of `@initlab/*` are the very packages this command runs, so classes
 * and the device are shared; what else it imports is looked up beside it. Throws PluginError naming file and line.
 */
export async function loadPlugin(name: string): Promise<LoadedPlugin> {
  const file = path.resolve(name);
  const source = await readFile(file, 'utf8').catch((cause: unknown) => {
    const reason = isMissing(cause)
      ? 'there is no such file. `npx initlab new init FILE` and `new norm FILE` write a start.'
      : `it cannot be read: ${diskReason(cause)}.`;
    throw new PluginError(name, reason, { cause });
  });
  const { code, files } = await transpile(file);
  // As a file: a data: URL could not import the packages' own files.
  const folder = await mkdtemp(path.join(tmpdir(), 'initlab-plugin-'));
  const bundle = path.join(folder, 'plugin.mjs');
  process.setSourceMapsEnabled(true);
  try {
    await writeFile(bundle, code);
    const exports = (await import(pathToFileURL(bundle).href)) as Record<string, unknown>;
    // Without the source map, which names folders of this machine.
    const hash = createHash('sha256')
      .update(code.slice(0, code.lastIndexOf('//# sourceMappingURL=')))
      .digest('hex');
    return { file, files, exports, hash, source };
  } catch (cause) {
    throw new PluginError(whereThrown(cause, files), `failed while it was loaded: ${messageOf(cause)}`, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

async function transpile(file: string): Promise<{ code: string; files: string[] }> {
  // Loaded when it is needed: the one-file bundle goes without it, and without plug-ins.
  const { build } = await import('esbuild');
  try {
    const { outputFiles, metafile } = await build({
      entryPoints: [file],
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'node',
      target: 'node20',
      sourcemap: 'inline',
      sourceRoot: '/',
      outdir: '/',
      logLevel: 'silent',
      absWorkingDir: path.dirname(file),
      plugins: [ownPackages],
    });
    const own = Object.keys(metafile.inputs).map((input) => path.resolve(path.dirname(file), input));
    const imported = own.filter((other) => other !== file && !other.includes(`${path.sep}node_modules${path.sep}`));
    return { code: outputFiles[0]?.text ?? '', files: [file, ...imported] };
  } catch (cause) {
    const first = (cause as { errors?: readonly Message[] }).errors?.[0];
    if (!first) throw cause;
    const at = first.location;
    throw new PluginError(at ? `${showFile(path.resolve(path.dirname(file), at.file))}:${at.line}` : showFile(file), first.text, { cause });
  }
}

/** Resolves `@initlab/*` to what this process runs, whatever is installed beside the plug-in. */
const ownPackages: Plugin = {
  name: 'initlab-packages',
  setup: ({ onResolve }) => {
    onResolve({ filter: /^@initlab\// }, ({ path: name }) => {
      try {
        return { path: import.meta.resolve(name), external: true };
      } catch {
        return { errors: [{ text: `there is no ${name}; a plug-in may import @initlab/core, nn, models and data` }] };
      }
    });
  },
};
