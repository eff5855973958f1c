import { spawnSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { numberList, seedList } from '../../packages/lab/src/cli/cli-arguments.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const repository = path.resolve(import.meta.dirname, '../..');
const small = ['train', '--arch', 'mlp3-32', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '32'];

/** What Dawn itself prints of its limits is not ours. */
const withoutDriver = (text: string): string => text.replaceAll(/^Warning: maxDynamic.*\n/gm, '');

describe('what is asked wrongly', () => {
  it.each([
    ['train --foo', "initlab: unknown option '--foo'\nSee npx initlab train --help.\n"],
    ['train --batch-size 32', "initlab: unknown option '--batch-size'\n(Did you mean --batch?)\nSee npx initlab train --help.\n"],
    ['train --amp', "initlab: unknown option '--amp'\n(Did you mean --precision mixed?)\nSee npx initlab train --help.\n"],
    ['train --epoch=3', "initlab: unknown option '--epoch=3'\n(Did you mean --epochs?)\nSee npx initlab train --help.\n"],
    ['table cnn-init --scale x', /^initlab: --scale x: must be one of smoke, short, full\nSee npx initlab table run --help\.\n$/],
    [
      'table run inits',
      'initlab: there is no table "inits"; the tables are cnn-init, init-design, norm-design, weightnorm-init, ten-epochs\n',
    ],
    ['table run cnn-init --scale smoke --only he', /^initlab: cnn-init has no row "he"; its rows are default, zero, .*\n$/],
    [
      'table run weightnorm-init --scale smoke --add ./a.ts',
      /^initlab: --add \.\/a\.ts: the rows of weightnorm-init differ in more than one thing/,
    ],
    ['table report cnn-init --root /nowhere', /^initlab: \/nowhere: holds no cnn-init\. Make it with: npx initlab table run cnn-init\n$/],
    ['trian', /^initlab: unknown command 'trian'\n\(Did you mean train\?\)\nSee npx initlab --help\.\n$/],
    ['train --device cuda', "initlab: unknown option '--device'\n(Did you mean --adapter?)\nSee npx initlab train --help.\n"],
    ['train -b 32', "initlab: unknown option '-b'\n(Did you mean --batch?)\nSee npx initlab train --help.\n"],
    ['sweep --learning-rate 1', /^initlab: unknown option '--learning-rate'\n\(A sweep takes settings as --grid lr=…, or .*\)\nSee/],
    ['table run cnn-init --epochs 3', /\n\(A table’s settings are its own; train and sweep take --epochs\.\)\nSee/],
    ['train --lr -1', 'initlab: --lr -1: must be more than 0\n'],
    ['train --lr much', 'initlab: --lr much: must be a number\nSee npx initlab train --help.\n'],
    ['train --epochs 1.5', 'initlab: --epochs 1.5: must be a whole number from 1\nSee npx initlab train --help.\n'],
    ['sweep --grid lr=0.1,-1', 'initlab: --grid lr=-1: must be more than 0\n'],
    ['sweep --grid optimizer=adam --grid momentum=0.5', /^initlab: --grid momentum=0\.5: has an effect only with optimizer sgd or lars\n$/],
    ['new foo bar.ts', 'initlab: kind foo: must be one of init, norm\nSee npx initlab new --help.\n'],
    [
      'train --color-jitter 0,0,0,0.9',
      'initlab: --color-jitter 0,0,0,0.9: the fourth, of hue, is 0.5 at most: half a turn of the colour wheel\n',
    ],
    ['train --optimizer adam --nesterov', 'initlab: --nesterov: has an effect only with --optimizer sgd\n'],
    ['train --milestones 3,4', 'initlab: --milestones 3,4: has an effect only with --schedule multistep\n'],
    // Also where it is the usual value: it was typed.
    ['train --optimizer adam --momentum 0.9', 'initlab: --momentum 0.9: has an effect only with --optimizer sgd or lars\n'],
    ['train --test-share 0.5', 'initlab: --test-share 0.5: has an effect only with --dataset folder\n'],
    ['train --warmup quadratic', 'initlab: --warmup quadratic: has an effect only with --warmup-epochs from 1\n'],
    ['train --rand-augment-ops 3', 'initlab: --rand-augment-ops 3: has an effect only with --rand-augment\n'],
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

it('lists of numbers have no empty place, which would be 0, and no seed twice', () => {
  expect(seedList('3, 0,7')).toEqual([3, 0, 7]);
  for (const text of ['', ' ', '1,,2', '1,', '-1', '1.5', '1e300']) expect(() => seedList(text), text).toThrow('whole numbers from 0');
  expect(() => seedList('1,2,01')).toThrow('1 is given twice');
  for (const text of ['', '0.1,', ',1', '0.1,x']) expect(() => numberList(text), text).toThrow('numbers, separated by commas');
});

it('what lists and shows keeps to 80 columns', async () => {
  for (const line of ['table list', 'table show weightnorm-init --scale smoke', 'inits']) {
    const { stdout } = await initlab(line.split(' '));
    for (const text of stdout.trimEnd().split('\n')) expect(text.length, text).toBeLessThanOrEqual(80);
  }
});

it('train --help has every option under a heading', async () => {
  const { stdout } = await initlab(['train', '--help']);
  expect(stdout.match(/^\S.*:$/gm)).toEqual(['Net:', 'Data:', 'Augmentation:', 'Training:', 'Learning rate by epoch:', 'Run:']);
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

describe('exit status and quiet mode', () => {
  it('0 when all is done: quietly, nothing but the result', async () => {
    const { status, stdout, stderr } = await initlab([...small, '--epochs', '1', '--quiet', '--out', path.join(folder, 'quiet')]);
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^TEST_METRICS: test_acc=[\d.]+\n$/) });
    expect(withoutDriver(stderr)).toBe('');
  }, 300_000);

  it('0 for a table whose runs are there, in one line of JSON with --json', async () => {
    const sweep = ['sweep', '--config', path.join(folder, 'small.json'), '--root', path.join(folder, 'swept'), '--quiet'];
    await writeFile(
      path.join(folder, 'small.json'),
      JSON.stringify({ arch: 'mlp3-32', dataset: 'fashion-mnist-sample', limit: 64, batchSize: 32, epochs: 1 }),
    );
    const { status, stdout, stderr } = await initlab(sweep);
    expect({ status, stderr: withoutDriver(stderr) }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toMatch(/Runs of one setting: mlp3-32 on fashion-mnist-sample[\s\S]*Report: .*report\.html\n$/);
    const again = await initlab([...sweep, '--json']);
    expect(again.status).toBe(0);
    expect(again.stdout.trimEnd()).not.toContain('\n');
    expect(JSON.parse(again.stdout).complete).toBe(true);
  }, 300_000);

  it('1 for a run that diverged, with where and why', async () => {
    const { status, stdout, stderr } = await initlab([
      ...[...small, '--lr', '1e30', '--epochs', '2', '--quiet', '--out', path.join(folder, 'diverged')],
    ]);
    expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
    expect(withoutDriver(stderr)).toMatch(/^initlab: epoch 1, step \d: the loss is (NaN|Infinity); .*\n$/);
  }, 300_000);
});

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

it('a table that was stopped goes on with the same command; nothing is made twice', async () => {
  const root = path.join(folder, 'tables');
  const wanted = ['--scale', 'smoke', '--parts', 'depth-mlp', '--columns', '2', '--only', 'datadep,proposed'];
  const command = ['table', 'run', 'weightnorm-init', ...wanted, '--root', root, '--json'];
  let sent = false;
  const stopped = await initlab(command, {
    onOutput: (text, kill) => {
      if (!sent && text.includes('step')) kill('SIGINT');
      sent ||= text.includes('step');
    },
  });
  expect(stopped.status).toBe(130);
  // Two, unless a busy machine brings the signal late.
  expect(stopped.stderr).toMatch(
    /(2 runs are left\. The same command goes on with them|1 run is left\. The same command goes on with it)\.\n$/,
  );
  const done = JSON.parse((await initlab(command)).stdout);
  expect(done).toMatchObject({ table: 'weightnorm-init', scale: 'smoke', complete: true });
  const [column] = done.parts[0].columns;
  expect(column.rows.map(({ name }: { name: string }) => name)).toEqual(['datadep', 'proposed']);
  // Per cent of ten classes.
  for (const { metrics } of column.rows) expect(metrics.validatedTest.mean).toBeGreaterThan(30);
  const made = await readdir(path.join(root, 'by-hash'));
  const again = await initlab(command);
  expect(again.stderr).toContain('2 runs, 0 to make');
  expect(JSON.parse(again.stdout)).toEqual(done);
  expect(await readdir(path.join(root, 'by-hash'))).toEqual(made);
  const report = await initlab(['table', 'report', 'weightnorm-init', '--root', root]);
  expect(report.stdout).toContain('scale smoke, not comparable with the published numbers');
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
