import { compareResults } from '../bench/compare.js';
import { benchConvolution, convolutionShapes } from '../bench/conv2d.js';
import { benchDispatch } from '../bench/dispatch.js';
import { benchNorms, type NormRow, normShapes } from '../bench/norm.js';
import { renderProfile } from '../bench/profile.js';
import { figures } from '../bench/statistics.js';
import { benchStep } from '../bench/step.js';
import { usualBatch } from '../bench/zoo-step.js';
import { readGivenFile } from '../files/given-file.js';
import { linesTable } from '../tables/index.js';
import { openTunedDevice } from '../tune/index.js';

export interface BenchOptions {
  readonly models: readonly string[];
  readonly precision?: readonly ('f32' | 'mixed')[];
  readonly batch?: number;
  readonly json?: boolean;
  readonly profile?: boolean;
}

const numbers = (...headings: string[]): { text: string; numeric: true }[] => headings.map((text) => ({ text, numeric: true }));

const stepTable = linesTable([
  { text: 'model', width: 14 },
  { text: 'precision' },
  ...numbers('batch', 'wall ms', 'gpu ms', 'js ms', 'µs/dispatch', 'first ms', 'dispatches', 'peak MB'),
]);

/** `initlab bench step`: whole training steps. A row a model; with `json` a line of JSON each. */
export async function benchStepCommand({
  models,
  batch,
  precision = ['f32'],
  json = false,
  profile = false,
}: BenchOptions): Promise<number> {
  const device = await openTunedDevice();
  if (!json) process.stdout.write(`${device.caps.adapter}\n${stepTable.head}\n`);
  for (const [model, wanted] of models.flatMap((name) => precision.map((p) => [name, p] as const))) {
    const size = batch ?? usualBatch(model, device);
    const row = await benchStep(device, { model, batch: size, precision: wanted, profile });
    if (json) {
      process.stdout.write(`${JSON.stringify(row)}\n`);
      continue;
    }
    const { wallMs, gpuMs, jsMs, jsUsPerDispatch, firstStepMs, dispatches } = row;
    const peakMb = (row.peakBytes / 1e6).toFixed(1);
    const cells = [model, row.precision, size, wallMs, gpuMs, jsMs, jsUsPerDispatch, firstStepMs, dispatches, peakMb];
    process.stdout.write(`${stepTable.line(cells)}\n`);
    if (row.profile && row.peaks) process.stdout.write(renderProfile(row.profile, row.peaks));
  }
  device.close();
  return 0;
}

const convTable = linesTable([
  { text: 'shape', width: 32 },
  { text: 'direction', width: 10 },
  { text: 'precision' },
  ...numbers('wall ms', 'gpu ms', 'GFLOP/s'),
  { text: 'variant' },
]);

/** `initlab bench conv2d`: the three products of ten convolutions. */
export async function benchConv2dCommand({
  batch,
  precision = ['f32'],
  json = false,
}: Omit<BenchOptions, 'models' | 'profile'>): Promise<number> {
  const device = await openTunedDevice();
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  if (!json) out(`${device.caps.adapter}\n${convTable.head}`);
  for (const shape of convolutionShapes)
    for (const each of precision)
      for (const row of await benchConvolution(device, { shape, batch: batch ?? usualBatch('', device), precision: each }))
        out(json ? JSON.stringify(row) : convTable.line([row.shape, row.direction, each, row.wallMs, row.gpuMs, row.gflops, row.variant]));
  device.close();
  return 0;
}

const normTable = linesTable([
  { text: 'norm', width: 18 },
  { text: 'shape', width: 16 },
  { text: 'pass', width: 20 },
  ...numbers('passes', 'dispatches', 'wall ms', 'gpu ms', 'GB/s'),
]);
const normCells = ({ norm, shape, pass, passes, dispatches, wallMs, gpuMs, gigabytesPerSecond }: NormRow): (string | number | null)[] => [
  ...[norm, shape.join('x'), pass],
  ...[passes, dispatches, wallMs, gpuMs, gigabytesPerSecond],
];

/** `initlab bench norm`: every norm, forward alone and with gradients; "passes" are bytes in units of the input's. */
export async function benchNormCommand({ batch, json = false }: Omit<BenchOptions, 'models' | 'profile'>): Promise<number> {
  const device = await openTunedDevice();
  const out = (line: string): void => void process.stdout.write(`${line}\n`);
  if (!json) out(`${device.caps.adapter}\n${normTable.head}`);
  for (const [channels, size] of normShapes(device))
    for (const row of await benchNorms(device, { batch: batch ?? usualBatch('', device), channels, size }))
      out(json ? JSON.stringify(row) : normTable.line(normCells(row)));
  device.close();
  return 0;
}

/** `initlab bench dispatch`: what a dispatch, a wait and a readback cost. */
export async function benchDispatchCommand({ json = false }: Pick<BenchOptions, 'json'>): Promise<number> {
  const device = await openTunedDevice();
  const row = await benchDispatch(device);
  device.close();
  process.stdout.write(
    json
      ? `${JSON.stringify(row)}\n`
      : `${row.adapter}\n${row.dispatches} dependent dispatches, replayed: ${row.jsUs} µs of JavaScript and ${row.wallUs} µs of wall time each\none dispatch and a wait: ${row.roundTripMs} ms; with 16 bytes read back: ${row.readbackMs} ms\n`,
  );
  return 0;
}

const compareTable = linesTable([
  { text: '', width: 6 },
  { text: '', numeric: true },
  { text: '', numeric: true },
  { text: '' },
  { text: '', width: 8 },
  { text: '', width: 7 },
  { text: 'name' },
]);

/** `initlab bench compare`: two result files side by side. Exit status 1 when something became slower than the tolerance allows. */
export async function benchCompareCommand(
  files: readonly [before: string, after: string],
  { tolerance, json = false }: { tolerance: number; json?: boolean },
): Promise<number> {
  const [before, after] = await Promise.all(files.map((file) => readGivenFile(file)));
  const { rows, unmatched, adapters } = compareResults(before as string, after as string, { tolerance: tolerance / 100 });
  const slower = rows.filter((r) => r.regression).length;
  if (json) process.stdout.write(`${JSON.stringify({ rows, unmatched, adapters, regressions: slower })}\n`);
  else {
    if (adapters.length > 0) process.stdout.write(`Made on different adapters: ${adapters.join('; ')}\n`);
    for (const { name, measure, before, after, ratio, regression } of rows) {
      const change = [`${ratio.toFixed(2)} ×`, figures(before), '→', figures(after)];
      process.stdout.write(`${compareTable.line([regression ? 'SLOWER' : '', ...change, measure, name])}\n`);
    }
    for (const name of unmatched) process.stdout.write(`only in one file: ${name}\n`);
    process.stdout.write(`${rows.length} compared, ${slower} slower by more than ${tolerance} %\n`);
  }
  return slower > 0 ? 1 : 0;
}
