import {
  addedRows,
  findTable,
  metrics,
  type Outcome,
  partGrids,
  partResult,
  planTable,
  publishedOf,
  type RunState,
  scales,
  tables,
} from '@initlab/lab';
import { findInitializer, listNorms } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { trainConfig } from '../../packages/lab/src/train/train-config.js';

const origin = { origin: 'test' };
const cellsOf = (id: string, scale: (typeof scales)[number]) => planTable(findTable(id), { scale }).flatMap(({ cells }) => cells);

describe('tables are data', () => {
  it.each(tables.flatMap(({ id }) => scales.map((scale) => [id, scale] as const)))(
    '%s, %s: every setting is one, every name is registered',
    (id, scale) => {
      const norms = listNorms().map(({ name }) => name);
      for (const { row, runs, excluded } of cellsOf(id, scale)) {
        expect(runs.length > 0).toBe(excluded === undefined);
        for (const { config } of runs) {
          expect(trainConfig(config, origin)).toEqual(config);
          findInitializer(config.init);
          expect(norms, row.name).toContain(config.norm);
        }
      }
    },
  );

  it('the full scale of both benchmarks is the recipe of `initlab train`', () => {
    const usual = trainConfig({}, origin);
    for (const id of ['init-design', 'norm-design'])
      for (const { runs } of cellsOf(id, 'full'))
        for (const { config } of runs) {
          const { arch, dataset, init, norm, seed, scalarLr, ...recipe } = config;
          const { arch: _a, dataset: _d, init: _i, norm: _n, seed: _s, scalarLr: _l, ...standard } = usual;
          expect(recipe).toEqual(standard);
          expect([42, 123, 456]).toContain(seed);
          expect(scalarLr).toBe(init === 'fixup' ? 0.1 : 1);
        }
  });

  it('smaller scales are never taken for the paper’s', () => {
    for (const id of ['init-design', 'norm-design'])
      for (const scale of ['smoke', 'short'] as const)
        for (const { runs } of cellsOf(id, scale)) for (const { config } of runs) expect(publishedOf(config), id).toBeUndefined();
  });

  it('every row and column can be named in a list', () => {
    for (const { parts } of tables)
      for (const { rows, columns } of parts) for (const { name } of [...rows, ...columns]) expect(name).not.toMatch(/,/);
  });

  it('rows of one’s own are named apart from the table’s and from each other', () => {
    const names = (...files: string[]): string[] => addedRows(findTable('init-design'), files).map(({ name }) => name);
    expect(names('./mine.ts', 'a/other.ts')).toEqual(['mine', 'other']);
    expect(names('kaiming.ts', 'v1/mine.ts', 'v2/mine.ts')).toEqual(['./kaiming.ts', 'v1/mine.ts', 'v2/mine.ts']);
    expect(() => names('mine.ts', './mine.ts')).toThrow('--add ./mine.ts: is given twice');
  });

  it('a cell that does not apply has no run', () => {
    const cell = cellsOf('init-design', 'full').find(({ row, column }) => row.name === 'fixup' && column.name.startsWith('vgg'));
    expect(cell).toMatchObject({ runs: [], excluded: 'Fixup is a design of residual nets' });
    const resnet = cellsOf('init-design', 'smoke').find(({ row, column }) => row.name === 'fixup' && column.name.startsWith('resnet'));
    expect(resnet?.runs[0]?.config).toMatchObject({ arch: 'fixup-resnet8', norm: 'none' });
  });
});

describe('published numbers', () => {
  const cell = (id: string, row: string, column: string) => findTable(id).parts[0]?.rows.find((r) => r.name === row)?.published?.[column];

  it('mean and deviation follow from what was published seed by seed', () => {
    const published = cell('init-design', 'kaiming', 'resnet56-cifar100')?.bestTest;
    expect(published?.mean).toBeCloseTo(72.14, 2);
    expect(published?.std).toBeCloseTo(0.32, 2);
    expect(cell('init-design', 'fixup-bn', 'vgg16-bn-cifar100')?.bestTest?.std).toBeCloseTo(0.12, 2);
    expect(cell('cnn-init', 'random', 'fashion-mnist')?.lastLoss?.std).toBeCloseTo((93.2 - 72.5) / Math.SQRT2, 10);
    expect(cell('init-design', 'dars', 'vgg16-bn-cifar100')).toBeUndefined();
    expect(cell('weightnorm-init', 'proposed', 'cifar10-resnet110')?.validatedError).toEqual({ mean: 7.71, std: 0.14, count: 3 });
  });

  it('stand beside a training with exactly the recipe', () => {
    expect(publishedOf(trainConfig({ init: 'orthogonal', seed: 7 }, origin))?.published.mean).toBeCloseTo(72.06, 2);
    expect(publishedOf(trainConfig({ norm: 'group', arch: 'resnet110' }, origin))?.published.mean).toBe(69.98);
    expect(publishedOf(trainConfig({ init: 'orthogonal', lr: 0.05 }, origin))).toBeUndefined();
  });
});

describe('results', () => {
  const epoch = (n: number, testAccuracy: number, more: object = {}) => ({
    ...{ epoch: n, steps: 1, trainLoss: 1 / n, trainAccuracy: 50, testLoss: 1, testAccuracy, lrUsed: 0.1, lrNext: 0.1, seconds: 1 },
    ...{ validationLoss: null, validationAccuracy: null },
    ...more,
  });
  const outcome = (...accuracies: number[]): Outcome => ({
    epochs: accuracies.map((a, i) => epoch(i + 1, a)) as unknown as Outcome['epochs'],
    planned: accuracies.length,
  });

  it('metrics: the best and the last epoch, the test at the best validation epoch, what diverged', () => {
    const run = outcome(50, 70, 60);
    expect(metrics.bestTest.of(run)).toBe(70);
    expect(metrics.lastTest.of(run)).toBe(60);
    expect(metrics.bestTest.of({ ...run, divergedIn: 4 })).toBeNaN();
    const epochs = [50, 70, 60].map((a, i) => epoch(i + 1, a, { validationAccuracy: [1, 5, 9][i] }));
    const validated = { planned: 3, epochs } as unknown as Outcome;
    expect(metrics.validatedError.of(validated)).toBe(40);
    expect(metrics.validatedTest.of({ ...validated, divergedIn: 2 })).toBe(0);
    expect(metrics.alive.of({ ...run, divergedIn: 3 })).toBe(0);
    expect(metrics.alive.of({ ...run, divergedIn: 4 })).toBe(100);
    expect(metrics.alive.of(outcome(1, 2))).toBe(100);
    expect(metrics.alive.of({ epochs: [], planned: 5 })).toBeUndefined();
  });

  const [planned] = planTable(findTable('init-design'), {
    scale: 'full',
    rows: ['kaiming', 'orthogonal', 'fixup-bn'],
    columns: ['resnet56-cifar100'],
  });
  if (!planned) throw new Error('init-design has a part');
  const own: Record<string, number[]> = { kaiming: [72, 72.4, 71.9], orthogonal: [74.9, 75.2, 75], 'fixup-bn': [72.3, 72.8, 72.3] };
  const done = (row: string, seed: number): RunState => ({
    kind: 'done',
    outcome: outcome(10, own[row]?.[[42, 123, 456].indexOf(seed)] ?? 0, 71),
  });
  const result = partResult(planned, 'full', (cell, { seed }) => done(cell.row.name, seed));

  it('differences to the baseline seed by seed, and to what was published as groups', () => {
    const cells = new Map(result.columns[0]?.cells.map((cell) => [cell.row.name, cell]));
    expect(cells.get('kaiming')?.toBaseline).toBeUndefined();
    expect(cells.get('fixup-bn')?.toBaseline).toMatchObject({ method: 'paired', count: 3 });
    expect(cells.get('fixup-bn')?.toPublished?.agrees).toBe(true);
    // Three points above what was published, with a tenth of that as spread.
    expect(cells.get('orthogonal')?.toPublished?.agrees).toBe(false);
  });

  it('the grid says better only where the interval does, and marks the maximum', () => {
    const [grid] = partGrids(result);
    const rows = new Map(grid?.rows.map((row) => [row[0], row.join(' ')]));
    expect(rows.get('orthogonal')).toMatch(/better/);
    expect(rows.get('orthogonal')).toMatch(/differs/);
    expect(grid?.notes?.join(' ')).toMatch(/maximum/);
    expect(grid?.subtitle).not.toMatch(/not comparable/);
  });

  it('missing, diverged and failed runs are told of in their cell', () => {
    const mixed = partResult(planned, 'full', (cell, { seed }): RunState => {
      if (cell.row.name === 'kaiming') return { kind: 'missing' };
      if (cell.row.name === 'fixup-bn') return { kind: 'failed', why: 'out of memory' };
      return { kind: 'done', outcome: { ...outcome(10), ...(seed === 42 ? { divergedIn: 2 } : {}) } };
    });
    const [grid] = partGrids(mixed);
    expect(grid?.rows.map((row) => row.at(-1))).toEqual(['3 of 3 runs to do', '1 of 3 diverged, in epoch 2', 'failed: out of memory']);
    expect(grid?.rows[1]?.[1]).toBe('diverged');
  });
});
