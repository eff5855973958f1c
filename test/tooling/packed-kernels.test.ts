import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../lab/fixtures.js';

const program = fileURLToPath(new URL('../../packages/lab/bin/initlab.mjs', import.meta.url));
const folder = temporaryFolder();

/** Each kernel of training steps, by file, as `dist` has it for this condition. */
async function dumped(condition: string, planned: readonly string[]): Promise<Map<string, string>> {
  const out = path.join(folder, `${condition}-${planned.length}`);
  await promisify(execFile)(process.execPath, [`--conditions=${condition}`, program, 'kernels', 'dump', out, ...planned]);
  const files = readdirSync(out).filter((name) => name.endsWith('.wgsl'));
  return new Map(files.map((name) => [name, readFileSync(path.join(out, name), 'utf8')]));
}

/** Words, numbers and operators as WGSL divides them. */
const tokens = (text: string): readonly string[] =>
  text.replace(/\/\/[^\n]*/g, ' ').match(/[\w.]+|<<=?|>>=?|&&|\|\||->|\+\+|--|[-+*/%&|^<>=!]=|\S/g) ?? [];

it.each([
  { where: 'on a GPU', planned: ['--models', 'resnet8,mobilenetv2', '--precision', 'f32,mixed', '--for', 'h100'] },
  { where: 'here', planned: ['--models', 'simple-cnn'] },
])('kernels that bundlers take are those of Node, token for token, without comments and indentation ($where)', async ({ planned }) => {
  const [readable, packed] = await Promise.all([dumped('default', planned), dumped('browser', planned)]);
  expect([...packed.keys()].sort()).toEqual([...readable.keys()].sort());
  for (const [name, text] of readable) expect(tokens(packed.get(name) ?? ''), name).toEqual(tokens(text));
  const all = (kernels: Map<string, string>): string => [...kernels.values()].join('');
  // The dump itself writes two lines above each.
  expect(all(readable)).toMatch(/\n +\/\/ /);
  expect(all(packed)).not.toMatch(/\n +\/\/ /);
  expect(all(packed).length).toBeLessThan(all(readable).length);
});
