import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';
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
    // Inside the repository and unbundled, so that it imports the built packages as a project of its own would.
    const folder = mkdtempSync(path.join(root, 'node_modules/.initlab-example-'));
    try {
      const file = path.join(folder, 'example.mjs');
      writeFileSync(file, (await transform(text, { loader: 'ts', format: 'esm' })).code);
      const done = spawnSync(process.execPath, [file], { encoding: 'utf8', timeout: 110_000 });
      expect(done.status, done.stderr).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the training loop', () => {
  it('learns, and a saved copy goes on', () => {
    const done = spawnSync(process.execPath, ['--import', 'tsx', 'examples/train-loop.ts'], { cwd: root, encoding: 'utf8' });
    expect(done.status, done.stderr).toBe(0);
    const [trained, loaded, tuned] = [/epoch 2: .*accuracy (.*) %/, /loaded from .*: (.*) %/, /last layer alone: (.*) %/].map((pattern) =>
      Number(pattern.exec(done.stdout)?.[1]),
    );
    // 80 steps of a small net on a few images: far above chance on every driver, though not the same figure.
    expect(trained).toBeGreaterThan(50);
    expect(loaded).toBe(trained);
    expect(tuned).toBeGreaterThan(50);
  });

  it('is what its page shows', () => {
    const program = readFileSync(path.join(root, 'examples/train-loop.ts'), 'utf8');
    const page = readFileSync(path.join(root, 'docs/training-loop.md'), 'utf8');
    const parts = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => found[1] as string);
    expect(parts.length).toBeGreaterThan(5);
    for (const part of parts) expect(program).toContain(part);
  });
});
