import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Device, DeviceError, openDevice } from '@initlab/core';
import { gridOf, isDone, listRuns, planTable, readRun, runSweep, sweepTable } from '@initlab/lab';
import { parseSafetensors } from '@initlab/nn';
import { beforeAll, describe, expect, it } from 'vitest';
import { runOne } from '../../packages/lab/src/sweep/run-one.js';
import { bin, initlab } from '../support/cli.js';
import { silentProgress } from '../support/silent-progress.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const config = path.join(folder, 'shared.json');
const settings = { arch: 'mlp2-16', dataset: 'fashion-mnist-sample', limit: 256, epochs: 4, batchSize: 16 } as const;
const command = (root: string): string[] => ['sweep', '--grid', 'lr=0.05,0.02', '--seeds', '2', '--config', config, '--root', root];

/** The runs of a grid, as the command makes them. */
async function runsOf(lr: readonly number[], seeds: readonly number[]): ReturnType<typeof listRuns> {
  const table = sweepTable({ settings, grid: { lr }, seeds });
  const cells = planTable(table, { scale: 'full', seeds }).flatMap((part) => part.cells);
  const wanted = cells.flatMap((cell) => cell.runs.map((run) => ({ label: cell.row.name, config: run.config })));
  return listRuns(wanted);
}
const fourRuns = (): ReturnType<typeof runsOf> => runsOf([0.05, 0.02], [0, 1]);

/** What the runs of a folder came to: their epochs without the seconds, their last weights and moments. */
async function outcomes(root: string): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  for (const key of (await readdir(path.join(root, 'by-hash'))).sort()) {
    const run = path.join(root, 'by-hash', key);
    const { metrics } = await readRun(run, { all: true });
    const epochs = metrics.map(({ seconds: _, ...epoch }) => epoch);
    const { tensors } = parseSafetensors(await readFile(path.join(run, 'checkpoint.safetensors')));
    const weights = [...tensors].map(([name, { data }]) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64'),
    ]);
    found[key] = { epochs, weights, done: isDone(path.join(root, 'by-hash'), key) };
  }
  return found;
}

/** How many runs stand half done: with epochs made, and without their result. */
async function halfDone(root: string): Promise<number> {
  const byHash = path.join(root, 'by-hash');
  const keys = await readdir(byHash).catch((): string[] => []);
  const logs = keys.filter((key) => !isDone(byHash, key)).map((key) => path.join(byHash, key, 'metrics.jsonl'));
  return logs.filter((log) => existsSync(log) && statSync(log).size > 0).length;
}

/** The sweep's process, killed so many milliseconds after its begin or its first step. Answers how long that step took to come. */
function kill(root: string, { after, ms }: { after: 'begin' | 'step'; ms: number }): Promise<number | undefined> {
  const begun = performance.now();
  const child = spawn(process.execPath, [bin, ...command(root)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let stepMs: number | undefined;
  let timer = after === 'begin' ? setTimeout(() => child.kill('SIGKILL'), ms) : undefined;
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (stepMs !== undefined || !/ step +\d/.test(said)) return;
    stepMs = performance.now() - begun;
    timer ??= setTimeout(() => child.kill('SIGKILL'), ms);
  });
  return new Promise((resolve) => {
    child.on('close', () => {
      clearTimeout(timer);
      resolve(stepMs);
    });
  });
}

let undisturbed: Record<string, unknown>;
/** What the training of all four runs lasts, in milliseconds. */
let trainingMs: number;
beforeAll(async () => {
  await writeFile(config, JSON.stringify(settings));
  const root = path.join(folder, 'undisturbed');
  expect((await initlab([...command(root), '--json'])).status).toBe(0);
  undisturbed = await outcomes(root);
  const byHash = path.join(root, 'by-hash');
  const keys = Object.keys(undisturbed);
  expect(keys).toHaveLength(4);
  const runs = await Promise.all(keys.map((key) => readRun(path.join(byHash, key), { all: true })));
  // The first epoch may have waited for the driver's compiler.
  const seconds = runs.flatMap(({ metrics }) => metrics.map((epoch) => Number(epoch.seconds))).sort((a, b) => a - b);
  trainingMs = seconds.length * (seconds[seconds.length / 2] as number) * 1e3;
}, 300_000);

describe('a sweep', () => {
  it('killed at random thirty times, it comes to the very same results', async () => {
    const root = path.join(folder, 'killed');
    let midway = 0;
    let startMs = 0;
    // Moments differ from run to run by the machine's load alone; this spreads them over start and training alike. Of two processes
    // one ends while it takes up what it finds, the other on average two of the sweep's sixteen epochs later: all together they
    // train about as much as there is.
    for (let pair = 0; pair < 15; pair++) {
      const share = ((pair * 7) % 15) / 15;
      startMs = (await kill(root, { after: 'step', ms: (share * trainingMs) / 4 })) ?? startMs;
      await kill(root, { after: 'begin', ms: share * startMs });
      midway += await halfDone(root);
    }
    expect(midway, 'kills that left a run half done').toBeGreaterThan(0);
    expect((await initlab(command(root))).status).toBe(0);
    expect(await outcomes(root)).toEqual(undisturbed);
  }, 300_000);

  it('made by three processes at once, every run is made once, by one of them', async () => {
    const root = path.join(folder, 'three');
    const ends = await Promise.all([1, 2, 3].map(() => initlab(command(root))));
    for (const { status, stderr } of ends) expect(status, stderr).toBe(0);
    const made = ends.flatMap(({ stderr }) => [...stderr.matchAll(/^(.*): done$/gm)].map(([, label]) => label));
    expect(made.sort()).toEqual(['lr 0.02, seed 0', 'lr 0.02, seed 1', 'lr 0.05, seed 0', 'lr 0.05, seed 1']);
    expect(await outcomes(root)).toEqual(undisturbed);
  }, 300_000);

  let peakBytes: number;
  it('a run that another process makes between the look and the lock is left as it is', async () => {
    const [run] = (await fourRuns()).runs;
    const root = path.join(folder, 'meanwhile', run!.key);
    const device = await openDevice();
    const opened: string[] = [];
    const make = (): Promise<string | undefined> =>
      runOne(run!, {
        ...{ folder: root, device, progress: silentProgress(), alone: (body) => body() },
        onOpened: async ({ label }) => void opened.push(label),
      });
    expect(await make()).toBe('done');
    const result = await readFile(path.join(root, 'result.json'), 'utf8');
    expect(await make()).toBeUndefined();
    peakBytes = device.memory.peakBytes;
    device.close();
    expect(opened).toHaveLength(1);
    expect(await readFile(path.join(root, 'result.json'), 'utf8')).toBe(result);
  }, 300_000);

  it('where the memory holds one training, three side by side become one after another', async () => {
    const { runs } = await fourRuns();
    const root = path.join(folder, 'narrow', 'by-hash');
    const device = await openDevice({ memoryLimit: Math.floor(peakBytes * 1.5) });
    const warnings: string[] = [];
    const progress = { ...silentProgress(), warn: (line: string) => void warnings.push(line) };
    expect(await runSweep(runs, { root, device, progress, jobs: 3 })).toMatchObject({ complete: true });
    device.close();
    expect(warnings.at(-1)).toMatch(/holds no 2 of these side by side; it goes on later, with 1 at once/);
    expect(await outcomes(path.dirname(root))).toEqual(undisturbed);
  }, 300_000);

  it('looked into, two side by side on one device, they are runs of their own with the bits of each alone', async () => {
    const root = path.join(folder, 'looking');
    expect((await initlab([...command(root), '--jobs', '2', '--probe', '30'])).status).toBe(0);
    const looking = await outcomes(root);
    const results = (found: Record<string, unknown>): string[] =>
      Object.values(found)
        .map((one) => JSON.stringify(one))
        .sort();
    expect(results(looking)).toEqual(results(undisturbed));
    for (const key of Object.keys(looking)) {
      expect(Object.keys(undisturbed)).not.toContain(key);
      const { probes } = await readRun(path.join(root, 'by-hash', key), { all: true });
      expect(probes.map(({ step }) => step)).toEqual([0, 30, 60]);
    }
  }, 300_000);

  it('a lost device ends all that run on it, and each goes on with another', async () => {
    const root = path.join(folder, 'lost', 'by-hash');
    const { runs } = await fourRuns();
    const first: Device = await openDevice({ label: 'first' });
    let steps = 0;
    const counted = silentProgress(() => void (++steps === 30 && first.simulateLoss()));
    await expect(runSweep(runs, { root, device: first, progress: counted, jobs: 2 })).rejects.toThrow(DeviceError);
    const second = await openDevice({ label: 'second' });
    expect(await runSweep(runs, { root, device: second, progress: silentProgress(), jobs: 2 })).toMatchObject({ complete: true });
    second.close();
    expect(await outcomes(path.dirname(root))).toEqual(undisturbed);
  }, 300_000);

  it('a run that stands half done begins anew where the device takes other kernels', async () => {
    const root = path.join(folder, 'elsewhere');
    const { runs } = await runsOf([0.05], [0]);
    const warnings: string[] = [];
    const make = async (name: string, { device, stopAfter }: { device: Device; stopAfter?: number }): Promise<void> => {
      let steps = 0;
      const silent = silentProgress(() => void (++steps === stopAfter && device.simulateLoss()));
      const progress = { ...silent, warn: (line: string) => void warnings.push(line) };
      const made = runSweep(runs, { root: path.join(root, name, 'by-hash'), device, progress });
      if (stopAfter === undefined) expect(await made).toMatchObject({ complete: true });
      else await expect(made).rejects.toThrow(DeviceError);
      device.close();
    };
    // The plain kernels: a GPU's tiles take a CPU driver's compiler long.
    const another = (): Promise<Device> => openDevice({ label: 'with other kernels', target: { reference: true } });
    await make('moved', { device: await openDevice(), stopAfter: 40 });
    await make('moved', { device: await another() });
    expect(warnings).toEqual([expect.stringContaining('half done on another adapter; it begins anew')]);
    await make('there', { device: await another() });
    expect(await outcomes(path.join(root, 'moved'))).toEqual(await outcomes(path.join(root, 'there')));
  }, 300_000);

  it('on a disk that runs full it says so, and with room it goes on', async ({ skip }) => {
    const disk = path.join(folder, 'disk');
    mkdirSync(disk);
    // Room for a run or two, not for all.
    skip(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=768k', 'none', disk]).status !== 0, 'only root may mount');
    try {
      const root = path.join(disk, 'runs');
      const full = await initlab(command(root));
      expect(full.status).toBe(1);
      expect(full.stderr).toMatch(/the disk is full/);
      expect(spawnSync('mount', ['-o', 'remount,size=64m', disk]).status).toBe(0);
      expect((await initlab(command(root))).status).toBe(0);
      expect(await outcomes(root)).toEqual(undisturbed);
    } finally {
      spawnSync('umount', [disk]);
    }
  }, 300_000);

  it('a run that fails is told of in its cell, and the others are made', async () => {
    const root = path.join(folder, 'failing');
    const grid = ['--grid', 'arch=mlp2-16,vgg12-bn', '--config', config, '--root', root, '--json'];
    const { status, stdout } = await initlab(['sweep', ...grid]);
    expect(status).toBe(1);
    const [good, bad] = JSON.parse(stdout).parts[0].columns[0].rows;
    expect(good.metrics.lastTest.count).toBe(1);
    expect(Object.values(bad.failed)).toEqual([expect.stringMatching(/12/)]);
  }, 300_000);
});

it('what is written of a grid is read as meant, or refused', () => {
  expect(gridOf('lr=0.1,0.05')).toEqual({ setting: 'lr', values: [0.1, 0.05] });
  expect(gridOf('weight-decay=0,5e-4')).toEqual({ setting: 'weightDecay', values: [0, 5e-4] });
  expect(gridOf('augment=true,false')).toEqual({ setting: 'augment', values: [true, false] });
  expect(gridOf('init=kaiming,./my-init.ts').values).toEqual(['kaiming', './my-init.ts']);
  for (const wrong of ['lr', '=3', 'rate=1', 'seed=1,2', 'lr=0.1,', 'lr=1,1']) expect(() => gridOf(wrong), wrong).toThrow(/^--grid/);
});
