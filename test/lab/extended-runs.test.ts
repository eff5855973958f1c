import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readRun, RunFolder } from '@initlab/lab';
import { parseSafetensors } from '@initlab/nn';
import { expect, it } from 'vitest';
import { extendedConfig } from '../../packages/lab/src/train/extend-run.js';
import { type TrainSettings, trainConfig } from '../../packages/lab/src/train/train-config.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const at = (name: string): string => path.join(folder, name);
const recipe = '--arch mlp2-16 --dataset fashion-mnist-sample --limit 128 --batch 16 --schedule constant --lr 0.05'.split(' ');

/** Epochs without the seconds, last weights and moments. */
async function outcome(name: string): Promise<unknown> {
  const { metrics } = await readRun(at(name), { all: true });
  const { tensors } = parseSafetensors(await readFile(path.join(at(name), 'checkpoint.safetensors')));
  return [
    metrics.map(({ seconds: _, ...epoch }) => epoch),
    [...tensors].map(([key, { data }]) => [key, Buffer.from(data.buffer).toString('hex')]),
  ];
}

it('more epochs are a new run that goes on from the old one, with the bits of one that had them from the start', async () => {
  expect((await initlab(['train', ...recipe, '--epochs', '2', '--out', at('two')])).status).toBe(0);
  const before = await outcome('two');
  const more = await initlab(['train', '--resume', at('two'), '--epochs', '3', '--out', at('three'), '--json']);
  expect(more.status, more.stderr).toBe(0);
  expect(JSON.parse(more.stdout)).toMatchObject({ complete: true, epochs: 3, epochsDone: 3, last: { epoch: 3 }, folder: at('three') });
  expect((await initlab(['train', ...recipe, '--epochs', '3', '--out', at('whole')])).status).toBe(0);
  expect(await outcome('three')).toEqual(await outcome('whole'));
  expect(await outcome('two')).toEqual(before);
  const run = await RunFolder.resume(at('three'));
  expect(run.parent?.run).toBe('two');
  run.close();
}, 300_000);

it.each<[TrainSettings, number, RegExp]>([
  [{}, 1, /was started with epochs 2, not 1: it can be given more, not fewer/],
  [{ schedule: 'cosine' }, 3, /follows a cosine that comes to 0 after 2/],
  [{ schedule: 'multistep', milestones: [0.5] }, 3, /milestones are shares of all epochs/],
  [{ schedule: 'constant', maxSteps: 5 }, 3, /ends after 5 steps/],
])('%j to %d epochs: refused with the reason', async (settings, epochs, message) => {
  const config = trainConfig({ arch: 'mlp2-16', epochs: 2, schedule: 'constant', ...settings }, { origin: 'test' });
  const run = await RunFolder.create({ name: 'refused', root: folder, config: { experiment: 'train', ...config } });
  expect(() => extendedConfig(run, epochs)).toThrow(message);
  run.close();
});

it('train, killed at random, comes to the same log and weights', async () => {
  const command = (name: string, ...more: string[]): string[] => ['train', ...recipe, '--epochs', '8', '--out', at(name), ...more];
  const started = performance.now();
  expect((await initlab(command('undisturbed'))).status).toBe(0);
  const seconds = (performance.now() - started) / 1e3;
  const bin = path.resolve(import.meta.dirname, '../../packages/lab/bin/initlab.mjs');
  let args = command('killed');
  for (let kill = 0; kill < 6; kill++) {
    const child = spawn(process.execPath, [bin, ...args], { stdio: 'ignore' });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    // Spread over the start and the steps, whose moments the machine's load moves besides.
    const timer = setTimeout(() => child.kill('SIGKILL'), (0.3 + (0.6 * ((kill * 5) % 6)) / 6) * seconds * 1e3);
    await ended;
    clearTimeout(timer);
    // One killed before it had a folder is started anew.
    if (
      await readRun(at('killed'), { all: true }).then(
        () => true,
        () => false,
      )
    )
      args = ['train', '--resume', at('killed')];
  }
  const last = await initlab(args);
  expect(last.status, last.stderr).toBe(0);
  expect(await outcome('killed')).toEqual(await outcome('undisturbed'));
}, 300_000);
