import { build } from 'esbuild';
import { expect, it } from 'vitest';

const script = new URL('../../scripts/mark-pure.mjs', import.meta.url).href;
const { markPure } = (await import(script)) as { markPure: (text: string) => string };

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
