import {
  backward,
  compile,
  type Device,
  Generator,
  mean,
  noGrad,
  openDevice,
  setDefaultDevice,
  square,
  type Tensor,
  tensor,
  zeros,
} from '@initlab/core';
import { BatchNorm2d, Conv2d, loadStateDict, type Module, ReLU, Sequential, SGD, saveStateDict } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());

const shape = [3, 2, 2, 2];
const batch = (seed: number): Float32Array => parityFill(24, { seed, scale: seed, shift: 1 });
const input = (seed: number): Tensor => tensor(batch(seed), { shape });

/** Plain averages of the batches' means and unbiased variances, per channel, in float64. */
function averages(seeds: readonly number[]): { mean: number[]; variance: number[] } {
  const found = seeds.map((seed) =>
    [0, 1].map((channel) => {
      const values = [...batch(seed)].filter((_, i) => Math.floor(i / 4) % 2 === channel);
      const centre = values.reduce((a, b) => a + b) / values.length;
      return { centre, variance: values.reduce((a, b) => a + (b - centre) ** 2, 0) / (values.length - 1) };
    }),
  );
  const average = (pick: (of: { centre: number; variance: number }) => number): number[] =>
    [0, 1].map((channel) => found.reduce((a, b) => a + pick(b[channel] as { centre: number; variance: number }), 0) / seeds.length);
  return { mean: average((of) => of.centre), variance: average((of) => of.variance) };
}

async function expectAverages(norm: BatchNorm2d, seeds: readonly number[]): Promise<void> {
  const { mean: centre, variance } = averages(seeds);
  // Roundings of float32 over a few batches.
  const bound = { absolute: 1e-6, relative: 3e-6 };
  expect(differs('running mean', (await norm.runningMean?.read()) ?? [], centre, bound)).toBe('');
  expect(differs('running variance', (await norm.runningVar?.read()) ?? [], variance, bound)).toBe('');
  expect(norm.numBatchesTracked).toBe(seeds.length);
}

describe.each([false, true])('momentum null: the plain average of all batches (compiled: %s)', (compiled) => {
  const passes = (net: Module): ((x: Tensor) => Tensor) => (compiled ? compile((x) => net.forward(x), { device }) : (x) => net.forward(x));

  it('of no images nothing enters it, though they count, as in PyTorch', async () => {
    const norm = new BatchNorm2d(2, { momentum: null });
    const pass = passes(norm);
    pass(input(1));
    pass(zeros([0, 2, 2, 2]));
    const { mean: centre } = averages([1]);
    expect(differs('running mean', (await norm.runningMean?.read()) ?? [], centre, { absolute: 1e-6, relative: 3e-6 })).toBe('');
    expect(norm.numBatchesTracked).toBe(2);
  });

  it('in training; evaluation uses it and leaves it', async () => {
    const norm = new BatchNorm2d(2, { momentum: null });
    expect(norm.momentum).toBe(null);
    const pass = passes(norm);
    for (const seed of [1, 2, 3, 4]) {
      const plain = new BatchNorm2d(2).forward(input(seed));
      expect(await pass(input(seed)).read()).toEqual(await plain.read());
    }
    await expectAverages(norm, [1, 2, 3, 4]);
    const { mean: centre, variance } = averages([1, 2, 3, 4]);
    norm.eval();
    const y = await pass(input(9)).read();
    const expected = [...batch(9)].map((v, i) => {
      const channel = Math.floor(i / 4) % 2;
      return (v - (centre[channel] as number)) / Math.sqrt((variance[channel] as number) + 1e-5);
    });
    expect(differs('evaluated', y, expected, { absolute: 1e-5, relative: 1e-5 })).toBe('');
    await expectAverages(norm, [1, 2, 3, 4]);
  });

  it('of every use, where a step uses the layer twice', async () => {
    const norm = new BatchNorm2d(2, { momentum: null });
    const body = (a: Tensor, b: Tensor): Tensor[] => [norm.forward(a), norm.forward(b)];
    const step = compiled ? compile(body, { device }) : body;
    step(input(1), input(2));
    step(input(3), input(4));
    await expectAverages(norm, [1, 2, 3, 4]);
  });

  it('goes on where a file left it', async () => {
    const norm = new BatchNorm2d(2, { momentum: null });
    const pass = passes(norm);
    pass(input(1));
    pass(input(2));
    const file = await saveStateDict(norm);
    const later = new BatchNorm2d(2, { momentum: null });
    const laterPass = passes(later);
    laterPass(input(7));
    loadStateDict(later, file);
    laterPass(input(3));
    await expectAverages(later, [1, 2, 3]);
    // A counter that was put back starts anew: the next batch is the first.
    later.numBatchesTracked = 0;
    laterPass(input(4));
    await expectAverages(later, [4]);
  });
});

it.each(['f32', 'mixed'] as const)('trains beside a convolution as in eager code (%s)', async (precision) => {
  const make = (): { net: Sequential; norm: BatchNorm2d; optimizer: SGD } => {
    const norm = new BatchNorm2d(4, { momentum: null });
    const conv = new Conv2d(2, 4, { kernelSize: 3, padding: 1, bias: false, generator: new Generator(1) });
    const net = new Sequential(conv, norm, new ReLU());
    return { net, norm, optimizer: new SGD(net.parameters(), { lr: 0.1 }) };
  };
  const stepOf =
    ({ net, optimizer }: ReturnType<typeof make>) =>
    (x: Tensor) => {
      optimizer.zeroGrad();
      const loss = mean(square(net.forward(x)));
      backward(loss);
      optimizer.step();
      return loss;
    };
  const [eager, fused] = [make(), make()];
  const [plain, step] = [stepOf(eager), compile(stepOf(fused), { device, precision })];
  for (const seed of [1, 2, 3]) {
    plain(input(seed));
    step(input(seed));
  }
  // f16 activations have three digits.
  const bound = precision === 'f32' || !device.caps.f16 ? { absolute: 1e-5, relative: 1e-5 } : { absolute: 1e-2, relative: 1e-2 };
  expect(differs('mean', (await fused.norm.runningMean?.read()) ?? [], (await eager.norm.runningMean?.read()) ?? [], bound)).toBe('');
  expect(differs('variance', (await fused.norm.runningVar?.read()) ?? [], (await eager.norm.runningVar?.read()) ?? [], bound)).toBe('');
  expect([fused.norm.numBatchesTracked, eager.norm.numBatchesTracked]).toEqual([3, 3]);
});

it('a batch that is refused is not counted', () => {
  for (const momentum of [0.1, null]) {
    const norm = new BatchNorm2d(2, { momentum });
    expect(() => noGrad(() => norm.forward(tensor([[1, 2]])))).toThrow(/more than 1 value per channel/);
    expect(norm.numBatchesTracked).toBe(0);
  }
});
