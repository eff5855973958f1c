import { build } from 'esbuild';
import ts from 'typescript';
import { expect, it } from 'vitest';

const script = new URL('../../scripts/lighten-dist.mjs', import.meta.url).href;
const { lowerUsing, markPure } = (await import(script)) as Record<'lowerUsing' | 'markPure', (text: string) => string>;

const source = `
export function run(given, asked) {
  const seen = [];
  const resource = (name) => ({ [Symbol.dispose]() { seen.push(name + ' ends'); } });
  const body = (value) => {
    if (asked === 'nothing') return 'nothing';
    using first = given ? resource('first') : undefined;
    seen.push(first === undefined ? 'none' : 'open');
    for (const i of [0, 1]) {
      using inner = resource('inner ' + i);
      if (asked === 'leave' && i === 1) return inner && 'left';
      if (asked === 'throw') throw new Error('thrown');
    }
    return value;
  };
  try {
    seen.push(body('done'));
  } catch (error) {
    seen.push(error.message);
  }
  return seen;
}
export async function later() {
  const seen = [];
  {
    using x = { [Symbol.dispose]() { seen.push('ends'); } };
    await Promise.resolve();
    seen.push(typeof x);
  }
  return seen;
}`;
const lowered = (text: string): string =>
  ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } }).outputText;
interface Loaded {
  run(given: boolean, asked: string): unknown;
  later(): Promise<unknown>;
}
const load = (text: string): Promise<Loaded> => import(`data:text/javascript,${encodeURIComponent(text)}`) as Promise<Loaded>;

it('`using` in dist does what it does as TypeScript writes it, on the same lines, in a fraction of the text', async () => {
  const theirs = lowered(source);
  const ours = lowerUsing(theirs);
  const [before, after] = [await load(theirs), await load(ours)];
  for (const given of [true, false])
    for (const asked of ['all', 'leave', 'throw', 'nothing']) expect(after.run(given, asked)).toEqual(before.run(given, asked));
  expect(after.run(true, 'leave')).toEqual(['open', 'inner 0 ends', 'inner 1 ends', 'first ends', 'left']);
  expect(await after.later()).toEqual(['object', 'ends']);
  const lineOf = (text: string): number => text.split('\n').findIndex((line) => line.includes("asked === 'throw'"));
  expect(lineOf(ours)).toBe(lineOf(theirs));
  expect(ours.replace(/\s+/g, ' ').length).toBeLessThan(theirs.replace(/\s+/g, ' ').length / 2);
});

it.each([
  ['{ using a = x(), b = y(); a(b); }', /two resources/],
  ['async () => { await using a = x(); a(); };', /await using/],
])('what no module has is refused: %s', (text, message) => {
  expect(() => lowerUsing(lowered(text))).toThrow(message);
});

it('what a module declares and nobody uses is left out of a bundle, with what it is made of', async () => {
  const module = `import { define, known } from './define.js';
const [pair] = [define('pair')];
export const used = define({ name: 'used', inputs: [...known('x'), pair] });
export const unused = define()({ name: 'unused', inputs: known('z').map((slot) => slot), of: new Set(['members']) });
`;
  const marked = markPure(module);
  expect(markPure(marked)).toBe(marked);
  const bundled = async (contents: string): Promise<string> => {
    const { outputFiles } = await build({
      stdin: { contents: `${contents}\nconsole.log(used);` },
      write: false,
      minify: true,
      external: ['*'],
      bundle: true,
      format: 'esm',
    });
    return outputFiles[0]?.text ?? '';
  };
  const inner = (text: string): string => text.replaceAll('export const', 'const');
  expect(await bundled(inner(module))).toContain('unused');
  expect(await bundled(inner(marked))).not.toMatch(/unused|members/);
  expect(await bundled(inner(marked))).toContain('pair');
});
