import { cpSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { RunError, RunFolder, readRun } from '@initlab/lab';
import { beforeAll, describe, expect, it } from 'vitest';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const at = (...names: string[]): string => path.join(folder, ...names);
const small = '--dataset fashion-mnist-sample --limit 64 --batch 32 --epochs 2'.split(' ');

describe('the folder of a training that was really made', () => {
  /** Files by their path in the folder, but for the report, which is drawn from them and read by nobody. */
  let files: string[];
  beforeAll(async () => {
    writeFileSync(
      at('my-init.ts'),
      `import { kaimingNormal_, type Module } from '@initlab/nn';
export function initializeWeights(model: Module): void {
  for (const p of model.parameters()) if (p.ndim > 1) kaimingNormal_(p);
}
`,
    );
    const arch = ['--arch', 'mlp2-16', '--init', at('my-init.ts'), '--probe', '1'];
    const { status, stderr } = await initlab(['train', ...arch, ...small, '--out', at('run')]);
    expect(status, stderr).toBe(0);
    files = readdirSync(at('run'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => statSync(at('run', name)).isFile() && name !== 'report.html',
    );
    expect(files.sort()).toEqual([
      'checkpoint.safetensors',
      'config.json',
      'metrics.jsonl',
      expect.stringMatching(/^plugins\//),
      'probes.jsonl',
      'result.json',
    ]);
  }, 60_000);

  it('a changed byte in any file is refused by the file’s name, when the run is read or gone on with', async () => {
    cpSync(at('run'), at('changed'), { recursive: true });
    const silent: string[] = [];
    for (const file of files) {
      const right = readFileSync(at('run', file));
      for (const share of [0, 0.2, 0.5, 0.8, 1]) {
        const place = Math.floor(share * (right.length - 1));
        const changed = Uint8Array.from(right);
        changed[place] = (changed[place] as number) ^ 1;
        writeFileSync(at('changed', file), changed);
        const said = [
          await failure(() => readRun(at('changed'), { all: true })),
          await failure(async () => (await RunFolder.resume(at('changed'))).close()),
        ].filter((error) => error !== undefined);
        if (said.length === 0) silent.push(`${file}, byte ${place}: taken`);
        for (const error of said)
          if (!(error instanceof RunError) || !error.message.includes(path.basename(file)))
            silent.push(`${file}, byte ${place}: ${String(error)}`);
      }
      writeFileSync(at('changed', file), right);
    }
    expect(silent).toEqual([]);
    expect(await failure(async () => (await RunFolder.resume(at('changed'))).close())).toBeUndefined();
  });

  it('and the command says so', async () => {
    cpSync(at('run'), at('told'), { recursive: true });
    const log = at('told', 'metrics.jsonl');
    writeFileSync(log, readFileSync(log, 'utf8').replace('"testAccuracy":', '"testAccuracy":9'));
    const { status, stderr } = await initlab(['train', '--resume', at('told'), '--epochs', '3', '--out', at('more')]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/metrics\.jsonl/);
  }, 60_000);
});

async function failure(body: () => Promise<unknown>): Promise<unknown> {
  try {
    await body();
    return undefined;
  } catch (error) {
    return error;
  }
}

it('a sweep refuses folders that were exchanged, done or half done, and names the run that lies there', async () => {
  writeFileSync(
    at('shared.json'),
    JSON.stringify({ arch: 'mlp2-16', dataset: 'fashion-mnist-sample', limit: 64, epochs: 1, batchSize: 32 }),
  );
  const root = at('sweep');
  const command = ['sweep', '--grid', 'lr=0.05,0.02', '--config', at('shared.json'), '--root', root, '--json'];
  const made = await initlab(command);
  expect(made.status, made.stderr).toBe(0);
  const [first, second] = readdirSync(path.join(root, 'by-hash')).sort() as [string, string];
  const run = (key: string): string => path.join(root, 'by-hash', key);
  renameSync(run(first), run('aside'));
  renameSync(run(second), run(first));
  renameSync(run('aside'), run(second));
  const namesBoth = (text: string): void => {
    for (const [key, other] of [
      [first, second],
      [second, first],
    ] as const)
      expect(text).toMatch(new RegExp(`${key}: holds the run ${other}: a folder that was moved or copied`));
  };
  const done = await initlab(command);
  expect(done.status).toBe(1);
  namesBoth(done.stdout);
  // Without their results they are runs to go on with.
  for (const key of [first, second]) renameSync(path.join(run(key), 'result.json'), at(`${key}.json`));
  const before = readFileSync(path.join(run(first), 'metrics.jsonl'));
  const halfDone = await initlab(command);
  expect(halfDone.status).toBe(1);
  namesBoth(halfDone.stdout);
  expect(readFileSync(path.join(run(first), 'metrics.jsonl'))).toEqual(before);
}, 120_000);
