import { type Device, openDevice } from '@initlab/core';
import { epochOrder, type ImageDataset, limitDataset, resizeDataset } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Look, StepNumbers } from '../../apps/playground/src/messages.js';
import { type SideName, sideNames } from '../../apps/playground/src/settings.js';
import { stories } from '../../apps/playground/src/stories.js';
import { chosenFor } from '../../apps/playground/src/worker/chosen.js';
import { Run } from '../../apps/playground/src/worker/run.js';

let device: Device;
let dataset: ImageDataset;
beforeAll(async () => {
  device = await openDevice();
  const sample = limitDataset(await loadDataset('fashion-mnist-sample'), { train: 256, test: 1 });
  dataset = resizeDataset(sample, { height: 32, width: 32 });
});
afterAll(() => device.close());

/** Both runs of a scene, with a look before the first step; batches of 8, which say the same sooner. */
async function tell(title: string, steps: number): Promise<Record<SideName, { look: Look; steps: StepNumbers[] }>> {
  const scene = stories.flatMap(({ scenes }) => scenes).find((each) => each.title === title);
  if (!scene) throw new Error(`no scene ${title}`);
  const { settings } = scene;
  const batchSize = 8;
  const order = epochOrder(dataset.train.count, { seed: settings.seed, epoch: 1 });
  const told = async (side: SideName): Promise<{ look: Look; steps: StepNumbers[] }> => {
    const own = settings[side];
    const run = await Run.create({
      settings: own,
      seed: settings.seed,
      batchSize,
      device,
      dataset,
      ...(await chosenFor(own, settings.code)),
    });
    const look = await run.look(order.subarray(0, batchSize), 0);
    const made: StepNumbers[] = [];
    for (let i = 0; i < steps; i++) made.push(await run.step(order.subarray(i * batchSize, (i + 1) * batchSize)));
    run.dispose();
    return { look, steps: made };
  };
  const [a, b] = sideNames;
  return { a: await told(a), b: await told(b) };
}
/** Of the last layer before the classifier. */
const lastDeviation = ({ layers }: Look): number => layers.at(-2)?.deviation ?? Number.NaN;

it('zero: all channels of A are dead, its gradients 0, and its loss that of a guess', async () => {
  const { a, b } = await tell('All weights zero', 1);
  expect(a.look.layers.slice(0, -1).map(({ dead }) => dead)).toEqual(Array(9).fill(1));
  expect(a.look.layers.map(({ gradientNorm }) => gradientNorm)).toEqual(Array(10).fill(0));
  expect(a.steps[0]?.loss).toBeCloseTo(Math.log(10), 5);
  for (const { dead, gradientNorm } of b.look.layers) {
    expect(dead ?? 0).toBeLessThan(0.2);
    expect(gradientNorm).toBeGreaterThan(0.01);
  }
});

it('depth: A shrinks to a thousandth, or explodes and is lost within three steps; B stays', async () => {
  const vanishing = await tell('Vanishing', 0);
  expect(lastDeviation(vanishing.a.look)).toBeLessThan(2e-3);
  expect(lastDeviation(vanishing.b.look)).toBeGreaterThan(0.1);
  for (const { gradientNorm } of vanishing.a.look.layers) expect(gradientNorm).toBeLessThan(0.02);
  const exploding = await tell('Exploding', 3);
  expect(lastDeviation(exploding.a.look)).toBeGreaterThan(1e13);
  expect(exploding.a.steps.at(-1)?.loss).toBeNaN();
  expect(exploding.b.steps.at(-1)?.loss).toBeLessThan(4);
});

it('depth: with weight norm He’s scales grow a hundredfold, the proposed ones stay', async () => {
  const { a, b } = await tell('Weight norm', 3);
  const growth = ({ layers }: Look): number => lastDeviation({ layers } as Look) / (layers[0]?.deviation ?? 0);
  expect(growth(a.look)).toBeGreaterThan(50);
  expect(growth(b.look)).toBeLessThan(2);
  expect(a.steps.at(-1)?.loss).not.toBeLessThan(100);
  expect(b.steps.at(-1)?.loss).toBeLessThan(4);
});

it('norms: batch norm puts back what fades with depth, and its gradients grow towards the input', async () => {
  const { a, b } = await tell('Bad draw', 0);
  expect(lastDeviation(a.look)).toBeLessThan(2e-3);
  expect(lastDeviation(b.look)).toBeGreaterThan(0.3);
  const [first, last] = [b.look.layers[1], b.look.layers.at(-2)];
  expect((first?.gradientNorm ?? 0) / (last?.gradientNorm ?? 1)).toBeGreaterThan(5);
});
