import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conditionOf, findRuns, orderOf, RunFolder, type RunSummary, runsCsv, runsGrid, summarizeRun } from '@initlab/lab';
import { beforeAll, describe, expect, it } from 'vitest';
import { trainConfig } from '../../packages/lab/src/train/train-config.js';
import { bin, initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const root = temporaryFolder();
const config = (settings: object) => ({ experiment: 'train', ...trainConfig({ epochs: 3, ...settings }, { origin: 'test' }) });
const epoch = (number: number, testAccuracy: number) => ({
  ...{ epoch: number, steps: 4, trainLoss: 1 / number, trainAccuracy: 50, testLoss: 1, testAccuracy },
  ...{ validationLoss: null, validationAccuracy: null, lrUsed: 0.1, lrNext: 0.05, seconds: 2 },
});

/** A run with these epochs; `result` where it came to its end. */
async function makeRun(name: string, settings: object, accuracies: readonly number[], result?: object): Promise<void> {
  const run = await RunFolder.create({ config: config(settings), name: 'test', folder: path.join(root, name) });
  for (const [i, accuracy] of accuracies.entries()) run.logMetrics(epoch(i + 1, accuracy));
  if (result) await run.finish({ ...run.config, ...result });
  else run.close();
}
const resultOf = (last: number, best: [epoch: number, accuracy: number]) => ({
  ...{ complete: true, diverged: null, epochsDone: 3, stepsDone: 12, seconds: 6, started: '2026-01-02T03:04:05.000Z', adapter: 'none' },
  last: { epoch: 3, trainLoss: 0.5, trainAccuracy: 50, testLoss: 1, testAccuracy: last },
  best: { epoch: best[0], testAccuracy: best[1], chosenBy: 'test accuracy' },
});

beforeAll(async () => {
  await makeRun('2026-01-01T00-00-00-train', { arch: 'resnet20' }, [40, 60, 55], resultOf(55, [2, 60]));
  await makeRun('group/aaaa', { arch: 'resnet56', lr: 0.05 }, [40, 45, 70], resultOf(70, [3, 70]));
  await makeRun('group/bbbb', { arch: 'resnet56', init: 'zero' }, [10], {
    ...resultOf(10, [1, 10]),
    ...{ complete: false, diverged: { epoch: 2, step: 3, op: 'conv', message: 'the loss is NaN' }, epochsDone: 1 },
  });
  await makeRun('group/cccc', { arch: 'resnet56', seed: 7 }, [41, 42]);
  mkdirSync(path.join(root, 'tables/cnn-init-full'), { recursive: true });
  writeFileSync(path.join(root, 'tables/cnn-init-full/table.json'), '{}');
});

const list = (where: readonly string[] = [], sort = 'run'): RunSummary[] =>
  findRuns(root)
    .map((folder) => summarizeRun(folder, { root }))
    .filter((run) => where.map(conditionOf).every((fits) => fits(run)))
    .sort(orderOf(sort));
const names = (...given: Parameters<typeof list>): string[] => list(...given).map(({ run }) => run);

describe('a list of runs', () => {
  it('finds dated folders and those of tables and sweeps, and says what became of them', () => {
    expect(list()).toMatchObject([
      { run: '2026-01-01T00-00-00-train', state: 'complete', last: 55, best: 60, bestEpoch: 2, loss: 0.5, epochsDone: 3 },
      { run: 'group/aaaa', state: 'complete', last: 70 },
      { run: 'group/bbbb', state: 'diverged', diverged: 2, epochsDone: 1 },
      // Its log says what no result says yet.
      { run: 'group/cccc', state: 'stopped', epochsDone: 2, last: 42, best: 42, seconds: 4 },
    ]);
    expect(findRuns(path.join(root, 'group/aaaa'))).toEqual([path.join(root, 'group/aaaa')]);
    expect(() => findRuns('/nowhere')).toThrow('/nowhere: is not there');
  });

  it('knows one that is being made', async () => {
    const run = await RunFolder.create({ config: config({}), name: 'test', folder: path.join(root, 'held') });
    expect(list(['state=running']).map(({ folder }) => folder)).toEqual([run.folder]);
    run.close();
    expect(names(['state=running'])).toEqual([]);
    rmSync(run.folder, { recursive: true });
  });

  it.each([
    [['arch=resnet56'], ['group/aaaa', 'group/bbbb', 'group/cccc']],
    [['arch=resnet56', 'lr!=0.1'], ['group/aaaa']],
    [['best>=60'], ['2026-01-01T00-00-00-train', 'group/aaaa']],
    [['last<20'], ['group/bbbb']],
    [['diverged=2'], ['group/bbbb']],
    [['batch=128', 'state=diverged'], ['group/bbbb']],
    [['weight-decay=5e-4', 'seed=7'], ['group/cccc']],
    [['clip-norm=null', 'seed=7'], ['group/cccc']],
  ])('chooses by %j', (where, found) => {
    expect(names(where)).toEqual(found);
  });

  it('sorts by any key, what has no value last', () => {
    expect(names(['arch=resnet56'], '-last')).toEqual(['group/aaaa', 'group/cccc', 'group/bbbb']);
    expect(names(['arch=resnet56'], 'diverged')[0]).toBe('group/bbbb');
    expect(names(['arch=resnet56'], '-diverged')[0]).toBe('group/bbbb');
  });

  it('refuses what no run has', () => {
    expect(() => conditionOf('archh=1')).toThrow(/--where archh=1: there is no archh; there are run, state/);
    expect(() => conditionOf('arch')).toThrow(/give a key, one of/);
    expect(() => orderOf('-accuracy')).toThrow(/--sort -accuracy: there is no -?accuracy/);
  });

  it('shows the settings in which they differ, and what they share above', () => {
    const grid = runsGrid(list(['arch=resnet56', 'state!=running']), { title: 'three' });
    expect(grid.subtitle).toBe('all: arch resnet56, dataset cifar100, epochs 3, norm batch');
    expect(grid.headings.map(({ text }) => text).slice(0, 5)).toEqual(['run', 'init', 'seed', 'lr', 'state']);
    expect(grid.rows[1]?.slice(-6)).toEqual(['diverged in epoch 2', '1/3', '10.00', '10.00 (1)', '0.5000', '6 s']);
    // One whose settings are gone adds no columns.
    const broken = { ...(list()[0] as RunSummary), settings: {} };
    const columns = (runs: readonly RunSummary[]): string[] => runsGrid(runs, { title: '' }).headings.map(({ text }) => text);
    expect(columns([broken, ...list(['arch=resnet56', 'state!=running'])])).toEqual(grid.headings.map(({ text }) => text));
    const [heading, first] = runsCsv(list()).split('\n') as [string, string];
    expect(heading.split(',').slice(0, 5)).toEqual(['run', 'state', 'epochsDone', 'last', 'best']);
    expect(first.split(',').slice(0, 5)).toEqual(['2026-01-01T00-00-00-train', 'complete', '3', '55', '60']);
  });
});

describe('initlab runs', () => {
  it('prints JSON, and with --verify names what was altered', async () => {
    const good = await initlab(['runs', root, '--where', 'arch=resnet56', '--sort', '-best', '--verify', '--json']);
    expect({ status: good.status, stderr: good.stderr }).toEqual({ status: 0, stderr: '3 runs verified, none altered.\n' });
    expect(JSON.parse(good.stdout).map(({ run, altered }: { run: string; altered: unknown }) => [run, altered])).toEqual([
      ['group/aaaa', null],
      ['group/cccc', null],
      ['group/bbbb', null],
    ]);
    const file = path.join(root, 'group/aaaa/result.json');
    const before = readFileSync(file, 'utf8');
    writeFileSync(file, before.replace('"testAccuracy": 70', '"testAccuracy": 71'));
    const bad = await initlab(['runs', root, '--verify']);
    writeFileSync(file, before);
    expect(bad.status).toBe(1);
    expect(bad.stderr).toMatch(/^initlab: .*aaaa\/result\.json: was changed since it was written.*\n\d runs verified, 1 altered\.\n$/);
  }, 60_000);

  it('--verify names a folder of a table or sweep that holds another run than its name says', async () => {
    const moved = path.join(root, 'moved/by-hash/0123456789abcdef0123');
    const run = await RunFolder.create({ config: { ...config({}), data: 'none', numerics: 1 }, name: 'test', folder: moved });
    run.close();
    const { status, stderr } = await initlab(['runs', path.join(root, 'moved'), '--verify']);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /0123456789abcdef0123: holds the run [0-9a-f]{20}: a folder that was moved or copied here\.\n1 runs verified, 1 altered/,
    );
  }, 60_000);
});

describe('two thousand runs', () => {
  const many = path.join(root, 'many');
  beforeAll(() => {
    for (let i = 0; i < 2000; i++) {
      const folder = path.join(many, 'group', i.toString(16).padStart(20, '0'));
      mkdirSync(folder, { recursive: true });
      const settings = config({ seed: i });
      writeFileSync(path.join(folder, 'config.json'), JSON.stringify(settings, null, 2));
      writeFileSync(path.join(folder, 'result.json'), JSON.stringify({ ...settings, ...resultOf(50, [1, 50]) }, null, 2));
    }
  });

  it('are read within a second of the processor', () => {
    const before = process.cpuUsage();
    const runs = findRuns(many).map((folder) => summarizeRun(folder, { root: many }));
    const shown = runsCsv(runs);
    const { user, system } = process.cpuUsage(before);
    expect(runs).toHaveLength(2000);
    expect(shown.split('\n')).toHaveLength(2002);
    // Of the processor, since other tests run beside this one. A third of that is usual: 10,000 have to come in 2 s.
    expect((user + system) / 1e6).toBeLessThan(1);
  }, 60_000);

  it.each(['--csv', '--json'])(
    'come whole through a pipe whose reader is slow, %s',
    async (format) => {
      const file = path.join(root, `many${format}`);
      const direct = spawnSync('sh', ['-c', '"$0" "$1" runs "$2" "$3" > "$4"', process.execPath, bin, many, format, file]);
      expect(direct.status, String(direct.stderr)).toBe(0);
      const { stdout } = spawnSync('sh', ['-c', '"$0" "$1" runs "$2" "$3" | { sleep 3; cat; }', process.execPath, bin, many, format], {
        encoding: 'utf8',
        maxBuffer: 2 ** 26,
      });
      // More than a pipe holds.
      expect(stdout.length).toBeGreaterThan(2 ** 17);
      expect(stdout === readFileSync(file, 'utf8')).toBe(true);
    },
    60_000,
  );

  it('a reader that goes away in between is no error', () => {
    const { stdout, stderr } = spawnSync('sh', ['-c', '"$0" "$1" runs "$2" --csv | head -1', process.execPath, bin, many], {
      encoding: 'utf8',
    });
    expect({ lines: stdout.split('\n').length, stderr }).toEqual({ lines: 2, stderr: '' });
  }, 60_000);
});
