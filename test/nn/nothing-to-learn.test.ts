import { backward, compile, type Device, openDevice, scope, setDefaultDevice, sum, type Tensor, zeros } from '@initlab/core';
import * as nn from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());

describe('a tensor of no elements stays as it is under every initialiser, as in PyTorch', () => {
  const matrices: readonly (readonly [string, (x: Tensor) => Tensor])[] = [
    ['uniform_', nn.uniform_],
    ['normal_', nn.normal_],
    ['truncNormal_', nn.truncNormal_],
    ['constant_', (x) => nn.constant_(x, 3)],
    ['eye_', nn.eye_],
    ['sparse_', (x) => nn.sparse_(x, { sparsity: 0.5 })],
    ['xavierUniform_', nn.xavierUniform_],
    ['xavierNormal_', nn.xavierNormal_],
    ['kaimingUniform_', nn.kaimingUniform_],
    ['kaimingNormal_', (x) => nn.kaimingNormal_(x, { mode: 'fanOut', nonlinearity: 'relu' })],
    ['orthogonal_', nn.orthogonal_],
  ];
  it.each(matrices)('%s', (_, fill) => {
    for (const shape of [
      [0, 3],
      [3, 0],
      [0, 0],
    ]) {
      const x = zeros(shape);
      expect(fill(x)).toBe(x);
      expect(x.shape).toEqual(shape);
    }
  });

  it.each([
    ['dirac_', nn.dirac_],
    ['deltaOrthogonal_', nn.deltaOrthogonal_],
    ['kaimingNormal_', nn.kaimingNormal_],
  ] as const)('%s of convolutions', (_, fill) => {
    for (const shape of [
      [0, 4, 3, 3],
      [4, 0, 3, 3],
      [4, 4, 0, 3],
    ])
      expect(fill(zeros(shape)).shape).toEqual(shape);
  });

  it('Kaiming does not ask for fans then, Xavier does, as PyTorch', () => {
    expect(nn.kaimingUniform_(zeros([0])).size).toBe(0);
    expect(nn.kaimingNormal_(zeros([0])).size).toBe(0);
    expect(() => nn.xavierNormal_(zeros([0]))).toThrow(/two or more dimensions/);
  });
});

describe('parameters of no elements', () => {
  const optimizers: readonly (readonly [string, (params: readonly nn.Parameter[]) => nn.Optimizer])[] = [
    ['SGD', (params) => new nn.SGD(params, { lr: 0.1, momentum: 0.9, dampening: 0.5 })],
    ['Adam', (params) => new nn.Adam(params, { lr: 0.1 })],
    ['AdamW', (params) => new nn.AdamW(params, { lr: 0.1 })],
  ];
  const shapes = [[2], [0, 3], [3], [0]];
  const made = (all: readonly number[][]): nn.Parameter[] =>
    all.map((shape) => {
      const parameter = new nn.Parameter(shape);
      return parameter.size > 0 ? parameter.set(parityFill(parameter.size, { seed: parameter.size })) : parameter;
    });

  it.each(optimizers)('%s: the others learn as without them, and its state goes to a file and back', async (_, make) => {
    const learned = async (all: readonly number[][], compiled: boolean): Promise<number[][]> => {
      const parameters = made(all);
      const optimizer = make(parameters);
      const body = (): Tensor => {
        optimizer.zeroGrad();
        const loss = parameters.reduce((total, p) => total.add(sum(p.square())), zeros([]));
        backward(loss);
        optimizer.clipGradNorm(1);
        optimizer.step();
        return loss;
      };
      const step = compiled ? compile(body, { exact: true }) : () => scope(body);
      for (let i = 0; i < 2; i++) step();
      const file = await nn.saveOptimizer(optimizer);
      nn.loadOptimizer(optimizer, file);
      step();
      expect(optimizer.steps).toBe(3);
      const values = await Promise.all(parameters.filter(({ size }) => size > 0).map(async (p) => [...(await p.read())]));
      optimizer.dispose();
      return values;
    };
    const without = await learned([[2], [3]], false);
    for (const compiled of [false, true]) expect(await learned(shapes, compiled)).toEqual(without);
    for (const compiled of [false, true]) expect(await learned([[0, 3]], compiled)).toEqual([]);
  });

  it('and state of none go to a file and back', async () => {
    class Hollow extends nn.Module {
      weight = new nn.Parameter([0, 3]);
      bias = new nn.Parameter([2], { value: 2 });
      history = nn.stateTensor([0]);
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const file = await nn.saveStateDict(new Hollow());
    const sizes = [...nn.parseSafetensors(file).tensors].map(([name, { shape }]) => [name, shape]);
    expect(sizes).toEqual([
      ['weight', [0, 3]],
      ['bias', [2]],
      ['history', [0]],
    ]);
    const copy = new Hollow();
    copy.bias.set([0, 0]);
    nn.loadStateDict(copy, file);
    expect([...(await copy.bias.read())]).toEqual([2, 2]);
    expect((await copy.weight.read()).length).toBe(0);
    // Another shape of nothing is another tensor.
    class Other extends nn.Module {
      weight = new nn.Parameter([3, 0]);
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(() => nn.loadStateDict(new Other(), file)).toThrow(/weight/);
  });
});
