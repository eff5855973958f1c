import { spawnSync } from 'node:child_process';
import { readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const repository = path.resolve(import.meta.dirname, '../..');
const small = ['train', '--arch', 'mlp3-32', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '32'];

describe('what is asked wrongly', () => {
  it.each([
    ['train --foo', "error: unknown option '--foo'\nSee initlab train --help.\n"],
    ['table cnn-init --scale x', /^error: .*Allowed choices are demo, full\.\nSee initlab table cnn-init --help\.\n$/],
    ['trian', /^error: unknown command 'trian'\n\(Did you mean train\?\)\nSee initlab --help\.\n$/],
    ['train --lr -1', /^initlab: --lr -1: Too small[^.]*\n$/],
    ['train --optimizer adam --nesterov', 'initlab: --nesterov: has an effect only with the optimizer sgd\n'],
    ['train --milestones 3,4', 'initlab: --milestones 3,4: has an effect only with the schedule multistep\n'],
    ['train --warmup quadratic', 'initlab: --warmup quadratic: has an effect only with warmupEpochs from 1\n'],
    ['train --config /nowhere.json', 'initlab: --config /nowhere.json: there is no such file\n'],
    ['bench compare /nowhere.json /nothing.json', 'initlab: /nowhere.json: there is no such file\n'],
    ['selftest --ops /nowhere.json', /initlab: \/nowhere\.json: there is no such file\n$/],
    ['new init foo.py', 'initlab: foo.py: a plug-in is TypeScript or JavaScript; choose a name that ends in .ts\n'],
  ])('%s', async (line, message) => {
    const { status, stderr } = await initlab(line.split(' '));
    if (typeof message === 'string') expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
    expect(status).toBe(1);
  });
});

it('says its version', async () => {
  const { version } = JSON.parse(await readFile(path.join(repository, 'packages/lab/package.json'), 'utf8'));
  expect((await initlab(['--version'])).stdout).toBe(`${version}\n`);
});

it('goes on when nobody reads its output', async () => {
  const out = path.join(folder, 'unread');
  const command = ['packages/lab/bin/initlab.mjs', ...small, '--epochs', '2', '--out', out].join(' ');
  const { stderr } = spawnSync('sh', ['-c', `{ ${process.execPath} ${command}; echo "status $?" >&2; } | true`], {
    cwd: repository,
    encoding: 'utf8',
  });
  expect(stderr).not.toContain('EPIPE');
  expect(stderr).toMatch(/status 0\n$/);
  expect(await readdir(out)).toContain('result.json');
}, 300_000);

it('a second process is kept off a run', async () => {
  const out = path.join(folder, 'shared');
  let second: Promise<string> | undefined;
  await initlab([...small, '--epochs', '5000', '--out', out], {
    onOutput: (text, kill) => {
      if (!text.includes('TRAIN_METRICS')) return;
      second ??= initlab(['train', '--resume', out]).then(({ stderr }) => {
        kill('SIGINT');
        return stderr;
      });
    },
  });
  expect(await second).toMatch(/^initlab: .*shared: is in use by process \d+ \(started \d{4}-/);
}, 300_000);

it('a table that was stopped goes on with the folder alone', async () => {
  const out = path.join(folder, 'table');
  const options = ['--scale', 'demo', '--only', 'zero,kaiming', '--epochs', '2', '--max-steps', '12'];
  let sent = false;
  const stopped = await initlab(['table', 'cnn-init', ...options, '--out', out], {
    onOutput: (text, kill) => {
      if (!sent && text.includes('step')) kill('SIGINT');
      sent ||= text.includes('step');
    },
  });
  expect(stopped.stderr).toContain(`Go on with: initlab table cnn-init --resume ${out}\n`);
  const other = await initlab(['table', 'cnn-init', '--resume', out, '--epochs', '3']);
  expect(other.stderr).toMatch(/was started with epochs 2, not 3/);
  const done = JSON.parse((await initlab(['table', 'cnn-init', '--resume', out, '--json'])).stdout);
  expect(done).toMatchObject({ complete: true, strategies: ['zero', 'kaiming'], epochs: 2, maxSteps: 12, trainImages: 2000 });
  expect(await readFile(path.join(out, 'report.html'), 'utf8')).toContain(
    'initlab table cnn-init --scale demo --dataset fashion-mnist-sample --seeds 0 --only zero,kaiming --epochs 2 --max-steps 12',
  );
}, 300_000);

it('a plug-in that failed at first may be mended and the same command given again', async () => {
  const plugin = path.join(folder, 'mended.ts');
  const command = [...small, '--epochs', '1', '--init', plugin, '--out', path.join(folder, 'mended')];
  await writeFile(plugin, 'export function initializeWeights(): void {\n  throw new Error("not yet");\n}\n');
  expect((await initlab(command)).stderr).toMatch(/mended\.ts:2: not yet/);
  await writeFile(plugin, 'export function initializeWeights(): void {}\n');
  const { status, stderr } = await initlab(command);
  expect(stderr).not.toContain('holds a run already');
  expect(status).toBe(0);
}, 300_000);
