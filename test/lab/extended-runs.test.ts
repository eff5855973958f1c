import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { RunFolder, readRun } from '@initlab/lab';
import { parseSafetensors } from '@initlab/nn';
import { expect, it } from 'vitest';
import { extendedConfig } from '../../packages/lab/src/train/extend-run.js';
import { type TrainSettings, trainConfig } from '../../packages/lab/src/train/train-config.js';
import { initlab } from '../support/cli.js';
import { temporaryFolder } from './fixtures.js';

const folder = temporaryFolder();
const at = (name: string): string => path.join(folder, name);
const recipe = '--arch mlp2-16 --dataset fashion-mnist-sample --limit 128 --batch 16 --lr 0.05 --probe 3'.split(' ');

/** Epochs without the seconds, what was seen inside the net, last weights and moments. */
async function outcome(name: string): Promise<unknown> {
  const { metrics, probes } = await readRun(at(name), { all: true });
  expect(probes.map(({ step }) => step)).toEqual(Array.from({ length: Math.ceil((metrics.length * 8) / 3) }, (_, i) => 3 * i));
  const { tensors } = parseSafetensors(await readFile(path.join(at(name), 'checkpoint.safetensors')));
  return [
    metrics.map(({ seconds: _, ...epoch }) => epoch),
    probes,
    [...tensors].map(([key, { data }]) => [key, Buffer.from(data.buffer).toString('hex')]),
  ];
}

it.each<[string, TrainSettings, readonly number[]]>([
  ['constant', { schedule: 'constant' }, [0.05, 0.05, 0.05]],
  // In epochs, not in shares of them; one lies where the first run ends.
  ['multistep', { schedule: 'multistep', milestones: [1, 2], gamma: 0.5 }, [0.05, 0.025, 0.0125]],
])(
  'more epochs are a new run that goes on from the old one, with the bits of one that had them from the start: %s',
  async (name, schedule, rates) => {
    const [two, three, whole] = [`two-${name}`, `three-${name}`, `whole-${name}`];
    await writeFile(at(`${name}.json`), JSON.stringify(schedule));
    const train = (epochs: number, out: string): string[] => [
      'train',
      ...recipe,
      '--config',
      at(`${name}.json`),
      '--epochs',
      String(epochs),
      '--out',
      at(out),
    ];
    const first = await initlab(train(2, two));
    expect(first.status, first.stderr).toBe(0);
    const before = await outcome(two);
    const more = await initlab(['train', '--resume', at(two), '--epochs', '3', '--out', at(three), '--json']);
    expect(more.status, more.stderr).toBe(0);
    expect(JSON.parse(more.stdout)).toMatchObject({ complete: true, epochs: 3, epochsDone: 3, last: { epoch: 3 }, folder: at(three) });
    expect((await initlab(train(3, whole))).status).toBe(0);
    expect(await outcome(three)).toEqual(await outcome(whole));
    expect(await outcome(two)).toEqual(before);
    const { metrics } = await readRun(at(three), { all: true });
    expect(metrics.map(({ lrUsed }) => lrUsed)).toEqual(rates);
    const run = await RunFolder.resume(at(three));
    expect(run.parent?.run).toBe(two);
    run.close();
  },
  300_000,
);

it.each<[TrainSettings, number, RegExp]>([
  [{}, 1, /was started with --epochs 2, not 1: it can be given more, not fewer/],
  [{ schedule: 'cosine' }, 3, /follows a cosine that comes to 0 after 2/],
  [{ schedule: 'multistep', milestones: [0.5] }, 3, /milestones are shares of all epochs/],
  [{ schedule: 'constant', maxSteps: 5 }, 3, /ends after 5 steps/],
])('%j to %d epochs: refused with the reason', async (settings, epochs, message) => {
  const config = trainConfig({ arch: 'mlp2-16', epochs: 2, schedule: 'constant', ...settings }, { origin: 'test' });
  const run = await RunFolder.create({ name: 'refused', root: folder, config: { experiment: 'train', ...config } });
  expect(() => extendedConfig(run, epochs)).toThrow(message);
  run.close();
});

it('train, killed six times between and inside epochs, comes to the same log and weights', async () => {
  const command = (name: string): string[] => ['train', ...recipe, '--schedule', 'constant', '--epochs', '12', '--out', at(name)];
  expect((await initlab(command('undisturbed'))).status).toBe(0);
  let args = command('killed');
  let midway = 0;
  for (let kill = 0; kill < 6; kill++) {
    let timer: NodeJS.Timeout | undefined;
    await initlab(args, {
      // A few milliseconds after its first epoch: while it saves, or trains on.
      onOutput: (output, end) => {
        if (output.includes('TRAIN_METRICS')) timer ??= setTimeout(() => end('SIGKILL'), (kill * 7) % 20);
      },
    });
    clearTimeout(timer);
    const { result, metrics } = await readRun(at('killed'), { all: true });
    args = ['train', '--resume', at('killed')];
    if (!result && metrics.length > 0) midway++;
  }
  expect(midway, 'kills with epochs made and others to come').toBeGreaterThan(0);
  const last = await initlab(args);
  expect(last.status, last.stderr).toBe(0);
  expect(await outcome('killed')).toEqual(await outcome('undisturbed'));
}, 300_000);
