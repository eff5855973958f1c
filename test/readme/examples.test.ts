import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packages = readdirSync(path.join(root, 'packages')).map((name) => `packages/${name}/README.md`);

/** TypeScript blocks that import something: whole programs, not fragments. */
const programs = ['README.md', ...packages].flatMap((file) =>
  [...readFileSync(path.join(root, file), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g)]
    .map((found) => found[1] as string)
    .filter((text) => text.includes('import '))
    .map((text, i) => [`${file}, example ${i + 1}`, text] as const),
);

describe('examples in READMEs', () => {
  it.each(programs)('%s runs', async (_, text) => {
    // Inside the repository, so that `webgpu` is found.
    const folder = mkdtempSync(path.join(root, 'node_modules/.initlab-example-'));
    try {
      const outfile = path.join(folder, 'example.mjs');
      await build({
        stdin: { contents: text, loader: 'ts', resolveDir: root },
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        conditions: ['@initlab/source'],
        external: ['webgpu'],
        // CommonJS packages within ask for Node's own modules with `require`.
        banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
        logLevel: 'silent',
      });
      const done = spawnSync(process.execPath, [outfile], { encoding: 'utf8', timeout: 110_000 });
      expect(done.status, done.stderr).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
