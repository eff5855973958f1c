import {
  amax,
  batchNorm,
  crossEntropy,
  type Device,
  grad,
  groupNorm,
  instanceNorm,
  layerNorm,
  logSoftmax,
  mean,
  mul,
  openDevice,
  scope,
  softmax,
  sum,
  type Tensor,
  tensor,
  variance,
  weightNorm,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const image = [3, 4, 3, 2] as const;

interface Case {
  readonly title: string;
  /** Shapes of the differentiable inputs; the first is the one moved. */
  readonly inputs: readonly (readonly number[])[];
  readonly f: (...inputs: Tensor[]) => Tensor;
}
const affine = [image, [4], [4]] as const;
const cases: readonly Case[] = [
  { title: 'batch norm', inputs: affine, f: (x, weight, bias) => batchNorm(x as Tensor, { weight, bias, training: true }) },
  { title: 'batch norm without weights', inputs: [image], f: (x) => batchNorm(x as Tensor, { training: true }) },
  { title: 'group norm', inputs: affine, f: (x, weight, bias) => groupNorm(x as Tensor, { groups: 2, weight, bias }) },
  { title: 'instance norm', inputs: affine, f: (x, weight, bias) => instanceNorm(x as Tensor, { weight, bias }) },
  {
    title: 'layer norm',
    inputs: [image, [4, 3, 2], [4, 3, 2]],
    f: (x, weight, bias) => layerNorm(x as Tensor, { normalizedShape: [4, 3, 2], weight, bias }),
  },
  { title: 'softmax', inputs: [[3, 5, 2]], f: (x) => softmax(x as Tensor, { dim: 1 }) },
  { title: 'log softmax', inputs: [[3, 5]], f: (x) => logSoftmax(x as Tensor, { dim: 1 }) },
  {
    title: 'cross entropy, smoothed',
    inputs: [[4, 5]],
    f: (x) =>
      crossEntropy(x as Tensor, tensor([0, 3, 4, 1], { shape: [4], dtype: 'i32', device }), { labelSmoothing: 0.1, reduction: 'none' }),
  },
  {
    title: 'weight norm',
    inputs: [
      [4, 3, 2, 2],
      [4, 1, 1, 1],
    ],
    f: (v, g) => weightNorm(v as Tensor, g as Tensor),
  },
  { title: 'variance', inputs: [image], f: (x) => variance(x as Tensor, { dims: [0, 2, 3] }) },
  { title: 'mean', inputs: [image], f: (x) => mul(mean(x as Tensor, { dims: [1], keepdim: true }), x as Tensor) },
  { title: 'largest', inputs: [image], f: (x) => mul(amax(x as Tensor, { dims: [2, 3], keepdim: true }), x as Tensor) },
];

const made = (shape: readonly number[], seed: number, shift = 0): Float32Array => parityFill(sizeOf(shape), { seed, shift });

/** dL/dinputs for L = Σ cotangent · f(inputs), by the fused rules or by those made of differentiable ops. */
function firstOrder({ f }: Case, inputs: readonly Tensor[], createGraph: boolean): Tensor[] {
  const y = f(...inputs);
  const cotangent = tensor(made(y.shape, 65), { shape: y.shape, device });
  return grad(sum(mul(y, cotangent)), inputs, { createGraph });
}
const leaves = (one: Case, moved?: Float32Array): Tensor[] =>
  one.inputs.map((shape, i) =>
    tensor(i === 0 && moved ? moved : made(shape, 61 + i, i === 1 ? 1.5 : 0), { shape, device }).requiresGrad_(),
  );

describe('gradients made of differentiable ops', () => {
  for (const one of cases) {
    it(`${one.title}: agree with the fused ones`, async () => {
      await scope(async () => {
        const fused = firstOrder(one, leaves(one), false);
        const composed = firstOrder(one, leaves(one), true);
        for (const [i, g] of fused.entries()) expect(differs(`input ${i}`, await (composed[i] as Tensor).read(), await g.read())).toBe('');
      });
    });

    it(`${one.title}: their own gradient agrees with differences`, async () => {
      const shape = one.inputs[0] as readonly number[];
      const weights = made(shape, 71);
      const along = made(shape, 72);
      const start = made(shape, 61);
      // h(x) = Σ weights · dL/dx, whose slope along a direction is found both ways.
      const slope = await scope(async () => {
        const inputs = leaves(one);
        const [gx] = firstOrder(one, inputs, true);
        const h = sum(mul(gx as Tensor, tensor(weights, { shape, device })));
        const [gradient] = grad(h, [inputs[0] as Tensor]);
        const values = Array.from(await (gradient as Tensor).read());
        return values.reduce((a, v, i) => a + v * (along[i] as number), 0);
      });
      const step = 2 ** -7;
      const h = async (sign: number): Promise<number> =>
        scope(async () => {
          const [gx] = firstOrder(
            one,
            leaves(
              one,
              start.map((v, i) => v + sign * step * (along[i] as number)),
            ),
            false,
          );
          const values = Array.from(await (gx as Tensor).read());
          return values.reduce((a, v, i) => a + v * (weights[i] as number), 0);
        });
      const difference = ((await h(1)) - (await h(-1))) / (2 * step);
      // The differences' own error: step² times third derivatives, and float32 gradients over 2·step.
      expect(Math.abs(slope - difference)).toBeLessThan(5e-3 + 1e-2 * Math.abs(difference));
    });
  }
});
