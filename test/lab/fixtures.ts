import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { afterAll } from 'vitest';

/** A fresh folder, removed after the file's tests. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'initlab-lab-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A program that stands beside the tests, from source in one file: module by module it would take seconds to start. */
export async function bundledProgram(name: string, { folder }: { folder: string }): Promise<string> {
  const outfile = path.join(folder, `${name}.mjs`);
  const entryPoints = [path.join(import.meta.dirname, `${name}.ts`)];
  await build({
    ...{ entryPoints, outfile, bundle: true, platform: 'node', format: 'esm', conditions: ['@initlab/source'], logLevel: 'warning' },
    external: ['webgpu'],
  });
  return outfile;
}
