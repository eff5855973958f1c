import { type Device, ones, openDevice } from '@initlab/core';
import * as nn from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';

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
