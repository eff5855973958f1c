import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  depthFigures,
  layersGrid,
  type Outcome,
  partResult,
  planTable,
  probeFigures,
  renderReport,
  type SweepSpec,
  sweepTable,
  writeTableReport,
} from '@initlab/lab';
import { describe, expect, it } from 'vitest';
import type { ProbeRecord } from '../../packages/lab/src/train/probe-record.js';
import { temporaryFolder } from './fixtures.js';
import { reportData } from './report-data.js';

const root = temporaryFolder();
/** Three layers whose gradients shrink by `factor` a layer; the last has no ReLU behind it. */
const look = (step: number, factor: number): ProbeRecord => ({
  step,
  epoch: 1,
  layers: [0, 1, 2].map((depth) => ({
    ...{ name: `layers.${depth}`, activation: depth < 2 ? 'relu' : null, mean: 0.5, deviation: 1 + depth },
    ...{ gradientNorm: factor ** depth, weightNorm: 5, dead: depth < 2 ? 0.25 * depth : null },
  })),
});

describe('probeFigures', () => {
  it('are quantities over depth, with bands over seeds', () => {
    const figures = probeFigures([{ name: 'kaiming', looks: [look(0, 0.1), look(0, 0.2)] }]);
    expect(figures.map(({ name }) => name)).toEqual(['deviation', 'mean', 'gradient-norm', 'weight-norm', 'dead-units']);
    const gradients = figures[2]?.points.map(({ x, low, high }) => [x, low, high]);
    expect(gradients).toEqual([
      [1, 1, 1],
      [2, 0.1, 0.2],
      [3, 0.1 ** 2, 0.2 ** 2],
    ]);
    expect(figures[4]?.points.map(({ x, mean }) => [x, mean])).toEqual([
      [1, 0],
      [2, 25],
    ]);
  });

  it('leave out what a logarithmic axis and JSON cannot hold', () => {
    const [first] = look(0, 1).layers;
    const odd = { ...first, deviation: 0, gradientNorm: 'NaN', weightNorm: 'Infinity', mean: 'NaN', dead: null } as unknown as NonNullable<
      typeof first
    >;
    expect(probeFigures([{ name: 'a', looks: [{ step: 0, epoch: 1, layers: [odd] }] }])).toEqual([]);
    expect(layersGrid([{ step: 0, epoch: 1, layers: [odd] }])?.rows).toEqual([
      ['layers.0', '1', 'relu', 'NaN ± 0.00', 'NaN', 'Infinity', '—'],
    ]);
  });
});

it('the report of a run shows the moments beside each other, and which layer is which', async () => {
  const probes = [look(0, 0.1), look(50, 0.5)];
  const figures = probeFigures(probes.map((probe) => ({ name: `after ${probe.step}`, looks: [probe] })));
  const layers = layersGrid(probes);
  if (!layers) throw new Error('there are layers');
  const html = await renderReport({ ...reportData, probes: { figures, layers } });
  expect(html).toContain('<h2>Inside the net</h2>');
  expect(html.match(/<svg /g)).toHaveLength(3 + 5);
  expect(html).toContain('gradient norm (logarithmic)');
  expect(html).toContain('gradient, at initialisation');
  expect(html).toContain('gradient, after 50 steps');
  expect(html).toMatch(/<th scope="row">layers\.1<\/th><td>2<\/td><td class="note">relu<\/td>/);
  const ids = [...html.matchAll(/\bid="([^"]*)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(await renderReport(reportData)).not.toContain('Inside the net');
});

describe('the report of a table or sweep', () => {
  const sweep: SweepSpec = {
    settings: { arch: 'mlp3-32', dataset: 'fashion-mnist-sample', epochs: 3 },
    grid: { lr: [30, 0.1] },
    seeds: [0, 1],
  };
  const table = sweepTable(sweep);
  const [planned] = planTable(table, { scale: 'full', seeds: sweep.seeds });
  if (!planned) throw new Error('a sweep has a part');
  const epochs = [{ epoch: 1, steps: 4, trainLoss: 2, testAccuracy: 50, lrUsed: 0.1 }] as unknown as Outcome['epochs'];
  const part = partResult(planned, 'full', (cell, { seed }) => {
    const outcome: Outcome = { epochs, planned: 3, probes: [look(0, 0.1 + seed), look(4, 0.5), look(8, 0.7)] };
    // It did not live to see the later moments.
    return { kind: 'done', outcome: cell.row.name === 'lr 30' ? { ...outcome, probes: [look(0, 0.9)], divergedIn: 1 } : outcome };
  });

  it('shows its rows beside each other, at initialisation and at the last moment that all who lived saw', async () => {
    const figures = depthFigures(part);
    expect(figures.map(({ name }) => name)).toEqual(
      ['deviation', 'mean', 'gradient-norm', 'weight-norm', 'dead-units'].flatMap((quantity) =>
        [0, 8].map((step) => `results-sweep-${quantity}-step-${step}`),
      ),
    );
    const [early, late] = figures.filter(({ name }) => name.includes('gradient-norm'));
    expect(early?.series).toEqual(['lr 30', 'lr 0.1']);
    expect(early?.points.filter(({ x }) => x === 2).map(({ series, low, high }) => [series, low, high])).toEqual([
      ['lr 30', 0.9, 0.9],
      ['lr 0.1', 0.1, 1.1],
    ]);
    expect(new Set(late?.points.map(({ series }) => series))).toEqual(new Set(['lr 0.1']));
    expect(late?.title).toContain('after 8 steps');
    const stored = { table: 'sweep', sweep, scale: 'full', added: [], runs: [] } as unknown as Parameters<
      typeof writeTableReport
    >[1]['stored'];
    const file = await writeTableReport(root, { table, stored, parts: [part] });
    expect(readFileSync(file, 'utf8')).toContain('<h2>Inside the nets: ');
    expect(readdirSync(path.join(path.dirname(file), 'figures'))).toContain('results-sweep-gradient-norm-step-8.svg');
  });

  it('nothing where nobody looked', () => {
    expect(depthFigures(partResult(planned, 'full', () => ({ kind: 'done', outcome: { epochs, planned: 3 } })))).toEqual([]);
  });
});
