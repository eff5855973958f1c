import { compile, type Device, grad, klDiv, ones, openDevice, relu, sum, type Tensor, tensor } from '@initlab/core';
import * as nn from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

// The first rates of PyTorch 1.13's schedulers over SGD.
it.each([
  ['exponentialLr', nn.exponentialLr(0.4, { gamma: 0.5 }), [0.4, 0.2, 0.1, 0.05]],
  ['polynomialLr', nn.polynomialLr(0.4, { totalSteps: 4, power: 2 }), [0.4, 0.225, 0.1, 0.025, 0, 0]],
  [
    'cosineWarmRestartsLr, ever longer',
    nn.cosineWarmRestartsLr(0.4, { t0: 2, tMult: 2, etaMin: 0.1 }),
    [0.4, 0.25, 0.4, 0.356066, 0.25, 0.143934, 0.4, 0.3885819],
  ],
  ['cosineWarmRestartsLr', nn.cosineWarmRestartsLr(0.4, { t0: 3 }), [0.4, 0.3, 0.1, 0.4, 0.3, 0.1, 0.4]],
  [
    'oneCycleLr',
    nn.oneCycleLr(0.4, { totalSteps: 9 }),
    [0.016, 0.2605433, 0.3977662, 0.3594267, 0.2822579, 0.1850548, 0.09149198, 0.02435719, 1.6e-6],
  ],
  [
    'oneCycleLr in straight lines',
    nn.oneCycleLr(0.4, { totalSteps: 8, pctStart: 0.5, annealStrategy: 'linear', divFactor: 10, finalDivFactor: 100 }),
    [0.04, 0.16, 0.28, 0.4, 0.3001, 0.2002, 0.1003, 0.0004],
  ],
  ['oneCycleLr of one step', nn.oneCycleLr(0.4, { totalSteps: 1 }), [1.6e-6]],
])('%s', (_, schedule, rates) => {
  // Seven digits are written down.
  for (const [step, rate] of rates.entries()) expect(schedule(step)).toBeCloseTo(rate, 6);
});

it('Dropout2d drops channels and DropPath examples, and scales what stays', async () => {
  const x = ones([8, 8, 2, 2], { device });
  const channels = await new nn.Dropout2d(0.5).forward(x).read();
  for (let i = 0; i < channels.length; i += 4) expect(new Set(channels.slice(i, i + 4)).size).toBe(1);
  expect(new Set(channels)).toEqual(new Set([0, 2]));
  const examples = await new nn.DropPath(0.5).forward(x).read();
  for (let i = 0; i < examples.length; i += 32) expect(new Set(examples.slice(i, i + 32)).size).toBe(1);
  expect([0, 2]).toEqual(expect.arrayContaining([...new Set(examples)]));
  expect(await new nn.DropPath(0.5).eval().forward(x).read()).toEqual(await x.read());
});

it('ModuleDict names its modules in a state dict', () => {
  const dict = new nn.ModuleDict({
    stem: new nn.Linear(2, 3, { device }),
    up: new nn.ConvTranspose2d(4, 2, { kernelSize: 3, groups: 2, device }),
  });
  expect([...dict.stateDict()].map(([name, { shape }]) => [name, shape])).toEqual([
    ['stem.weight', [3, 2]],
    ['stem.bias', [3]],
    ['up.weight', [4, 1, 3, 3]],
    ['up.bias', [2]],
  ]);
  expect(() => dict.get('head')).toThrow('has no "head"; it has stem, up');
});

it('ModuleDict takes pairs, whose order JavaScript leaves as it is, and refuses what are no modules by name', () => {
  const [a, b] = [new nn.ReLU(), new nn.Tanh()];
  expect(new nn.ModuleDict({ 2: a, 1: b }).keys()).toEqual(['1', '2']);
  expect(
    new nn.ModuleDict([
      ['2', a],
      ['1', b],
    ]).keys(),
  ).toEqual(['2', '1']);
  expect(new nn.ModuleDict(new Map([['10', a]])).get('10')).toBe(a);
  expect(() => new nn.ModuleDict(untyped([a, b]))).toThrow(
    /ModuleDict: takes modules by name, \{ name: module \} or pairs of both, got ReLU/,
  );
  expect(() => new nn.ModuleDict(untyped(3))).toThrow(/ModuleDict: takes modules by name, \{ name: module \}, got 3/);
  expect(() => new nn.ModuleDict(untyped({ a: 3 }))).toThrow(/"a" is no Module/);
});

it('a compiled step is recorded anew where a ModuleDict has another module of a name', async () => {
  const dict = new nn.ModuleDict({ head: new nn.ReLU() });
  const x = tensor([-1, 2], { device });
  const step = compile((input: Tensor) => dict.get('head').forward(input), { device });
  expect([...(await step(x).read())]).toEqual([0, 2]);
  dict.set('head', new nn.LeakyReLU(0.5));
  expect([...(await step(x).read())]).toEqual([-0.5, 2]);
  dict.set('other', new nn.Tanh());
  expect([...(await step(x).read())]).toEqual([-0.5, 2]);
});

it.each(['eager', 'compiled'])('the largest of a window that lies in the padding alone is −∞, and has no gradient: %s', async (way) => {
  for (const channels of [1, 4]) {
    const pool = new nn.MaxPool2d(2, { padding: 1, dilation: 3, ceilMode: true });
    const x = tensor(new Float32Array(channels * 2).fill(-1), { shape: [1, channels, 1, 2], requiresGrad: true, device });
    const body = (): Tensor[] => {
      const [plain, rectified] = [pool.forward(x), pool.forward(relu(x))];
      return [plain, rectified, ...grad(sum(plain), [x])];
    };
    const got = (way === 'compiled' ? compile(body, { device }) : body)();
    expect(got[0]?.shape).toEqual([1, channels, 1, 1]);
    for (const t of got.slice(0, 2)) expect(new Set(await t.read())).toEqual(new Set([Number.NEGATIVE_INFINITY]));
    expect(new Set(await (got[2] as Tensor).read())).toEqual(new Set([0]));
  }
});

it('schedules and optimisers refuse options and tensors that mean nothing', () => {
  expect(() => nn.oneCycleLr(0.1, { totalSteps: 9, annealStrategy: untyped('linaer') })).toThrow(
    /oneCycleLr: annealStrategy linaer is unknown; it is cos, linear/,
  );
  const p = new nn.Parameter([2], { device });
  expect(() => new nn.SGD([p.mul(2)], { lr: 1 })).toThrow(/parameter 0 \[2\] is what an op made; give leaves/);
});

it('SmoothL1Loss pulls with 1 also where the error is infinite, as PyTorch', async () => {
  const x = tensor([Number.POSITIVE_INFINITY, 3, 0.5, Number.NEGATIVE_INFINITY], { requiresGrad: true, device });
  const target = tensor([0, 0, 0, 0], { device });
  const [g] = grad(new nn.SmoothL1Loss({ reduction: 'sum' }).forward(x, target), [x]) as [Tensor];
  expect([...(await g.read())]).toEqual([1, 1, 0.5, -1]);
});

it('Upsample refuses, when it is made, what interpolate would', () => {
  expect(() => new nn.Upsample({ size: 2, mode: untyped('bicubical') })).toThrow(
    /Upsample: mode bicubical is unknown; it is nearest, bilinear, bicubic, area/,
  );
  expect(() => new nn.Upsample({ size: 2, mode: 'area', alignCorners: false })).toThrow(
    /alignCorners is an option of bilinear and bicubic/,
  );
  expect(() => new nn.Upsample({})).toThrow(/takes either size or scaleFactor/);
  expect(() => new nn.Upsample({ size: 2, scaleFactor: 2 })).toThrow(/takes either size or scaleFactor/);
  expect(() => new nn.Upsample({ scaleFactor: 0 })).toThrow(/scaleFactor is 0/);
  expect(() => new nn.Upsample({ scaleFactor: [0.3, 2], mode: 'area' }).forward(ones([1, 1, 3, 3], { device }))).toThrow(
    'interpolate: scaleFactor [0.3, 2] leaves [0, 6] pixels of [3, 3]; give a larger one',
  );
  expect(() => new nn.Upsample({ size: untyped([2, 2, 2]) })).toThrow(/give one number or \[height, width\]/);
});

it.each<[string, () => nn.Module]>([
  ['SpectralNormConv2d', () => new nn.SpectralNormConv2d(2, 3, { kernelSize: 2, device })],
  ['SpectralNormLinear', () => new nn.SpectralNormLinear(2, 3, { nPowerIterations: 2, device })],
  ['WeightNormConv2d', () => new nn.WeightNormConv2d(2, 3, { kernelSize: 2, device })],
  ['ConvTranspose2d', () => new nn.ConvTranspose2d(2, 3, { kernelSize: 2, device })],
  ['InstanceNorm2d', () => new nn.InstanceNorm2d(2, { trackRunningStats: true, device })],
  ['PReLU', () => new nn.PReLU({ device })],
  ['a deep copy', () => nn.deepCopy(new nn.ModuleDict({ a: new nn.ReLU() }))],
  ['AveragedModel', () => new nn.AveragedModel(new nn.Linear(2, 3, { device }))],
])('%s leaves nothing behind when it is disposed of', (_, make) => {
  make().dispose();
  const before = device.memory.liveBytes;
  make().dispose();
  expect(device.memory.liveBytes).toBe(before);
});

it('layers of one dimension, norms and losses say what does not fit in the words of who calls them', () => {
  const refused: readonly (readonly [() => unknown, RegExp])[] = [
    [
      () => new nn.Conv1d(2, 2, { kernelSize: 1, device }).forward(ones([1, 3, 4], { device })),
      /conv1d: weight \[2, 2, 1\] takes 2 input channels, x \[1, 3, 4\] has 3/,
    ],
    [
      () => new nn.Conv1d(2, 2, { kernelSize: 3, dilation: 2, device }).forward(ones([1, 2, 4], { device })),
      /conv1d: kernel 3, which reaches over 5, does not fit x \[1, 2, 4\]/,
    ],
    [() => new nn.BatchNorm1d(3, { device }).forward(ones([2, 2], { device })), /weight \[3\] should be \[2\], one for each channel of x/],
    [
      () => klDiv(ones([2], { device }), ones([2], { device }), { reduction: untyped('batchmean') }),
      /klDiv: reduction batchmean is unknown.*mean, batchMean, sum, none/,
    ],
  ];
  for (const [call, message] of refused) expect(call).toThrow(message);
});
