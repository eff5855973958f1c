import {
  add,
  addInto,
  backward,
  batchNorm,
  compile,
  type Device,
  groupNorm,
  mul,
  noGrad,
  openDevice,
  permute,
  relu,
  relu6,
  reshape,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const filled = (shape: readonly number[], { seed, shift = 0, format }: { seed: number; shift?: number; format?: 'channelsLast' }): Tensor =>
  tensor(
    parityFill(
      shape.reduce((a, b) => a * b, 1),
      { seed, shift },
    ),
    { shape: [...shape], device, ...(format ? { format } : {}) },
  );

interface Case {
  readonly channels: number;
  readonly shift?: number;
  /** Dispatches at most of forward and backward, with the rewrites on. */
  readonly forward: (x: Tensor, other: Tensor, perChannel: readonly Tensor[]) => Tensor;
}
const gated =
  (groups: number): Case['forward'] =>
  (x, _, [gate, weight, bias]) => {
    const shape = [1, x.shape[1] as number, 1, 1];
    const g = sigmoid(reshape(gate as Tensor, shape));
    const normal = groupNorm(x, { groups, weight, bias });
    return mul(add(mul(g, normal), mul(sub(1, g), x)), reshape(weight as Tensor, shape));
  };
const cases: Record<string, Case> = {
  'relu(batch norm)': { channels: 8, forward: (x, _, [w, b]) => relu(batchNorm(x, { weight: w, bias: b, training: true })) },
  'relu6(group norm + x)': {
    channels: 8,
    forward: (x, other, [w, b]) => relu6(add(other, groupNorm(x, { groups: 4, weight: w, bias: b }))),
  },
  'group norm + x': { channels: 6, forward: (x, other) => add(groupNorm(x, { groups: 3 }), other) },
  'two norms added': {
    channels: 8,
    forward: (x, other, [w, b]) => relu(add(batchNorm(x, { training: true }), batchNorm(other, { weight: w, bias: b, training: true }))),
  },
  'gated, a group a channel': { channels: 8, forward: gated(8) },
  'gated, groups of two': { channels: 8, forward: gated(4) },
  'gated, one group': { channels: 8, forward: gated(1) },
  'gated, groups of three': { channels: 6, forward: gated(2) },
  'gated, around 1000': { channels: 8, shift: 1000, forward: gated(4) },
};

describe('norm rewrites', () => {
  it.each(Object.entries(cases))('%s: value and gradients as without them', async (_, { channels, shift = 0, forward }) => {
    const shape = [3, channels, 4, 4];
    const x = filled(shape, { seed: 1, shift, format: 'channelsLast' }).requiresGrad_();
    const other = filled(shape, { seed: 2, format: 'channelsLast' }).requiresGrad_();
    const perChannel = [3, 4, 5].map((seed) => filled([channels], { seed, shift: 1 }).requiresGrad_());
    const leaves = [x, other, ...perChannel];
    const body = (): Tensor[] => {
      for (const leaf of leaves) leaf.grad = undefined;
      const y = forward(x, other, perChannel);
      // The transposition keeps value and gradient apart, as further layers would.
      backward(sum(square(permute(y, [0, 1, 3, 2]))));
      return [y, ...leaves.flatMap((leaf) => leaf.grad ?? [])];
    };
    const plain = compile(body, { device, rewrites: { fuseNorm: false, splitNorm: false, fusePointwise: false } });
    const rewritten = compile(body, { device });
    const [a, b] = [plain(), rewritten()];
    // Sums of 48 values in f32, in another order where statistics are; the values around 1000 have lost three digits.
    const bound = { absolute: 1e-5, relative: shift === 0 ? 1e-5 : 2e-3 };
    for (const [i, value] of a.entries()) expect(differs(`value ${i}`, await (b[i] as Tensor).read(), await value.read(), bound)).toBe('');
    expect(rewritten.stats().dispatches).toBeLessThan(plain.stats().dispatches);
    plain.dispose();
    rewritten.dispose();
  });

  it('running statistics move as without them', async () => {
    const x = filled([4, 8, 3, 3], { seed: 1, shift: 2, format: 'channelsLast' });
    const moved = async (rewrites: boolean): Promise<number[]> => {
      const [runningMean, runningVar] = [zeros([8], { device }), zeros([8], { device })];
      const step = compile(() => relu(batchNorm(x, { runningMean, runningVar, training: true })), {
        device,
        rewrites: { fuseNorm: rewrites },
      });
      for (let i = 0; i < 3; i++) step();
      return [...(await runningMean.read()), ...(await runningVar.read())] as number[];
    };
    expect(await moved(true)).toEqual(await moved(false));
  });

  it('two norms added, forward only: the first takes the sum', async () => {
    const [x, other] = [
      filled([3, 8, 4, 4], { seed: 1, format: 'channelsLast' }),
      filled([3, 8, 4, 4], { seed: 2, format: 'channelsLast' }),
    ];
    const body = (): Tensor => relu(add(batchNorm(x, { training: true }), batchNorm(other, { training: true })));
    const bound = { absolute: 1e-5, relative: 1e-5 };
    expect(differs('sum', await compile(body, { device })().read(), await body().read(), bound)).toBe('');
  });

  it('a weight changed between the norm and the ReLU is read before', async () => {
    const x = filled([3, 8, 4, 4], { seed: 1, format: 'channelsLast' });
    const run = async (rewrites: boolean): Promise<number[]> => {
      const [weight, bias] = [filled([8], { seed: 2 }), filled([8], { seed: 3 })];
      const step = compile(
        () => {
          const y = batchNorm(x, { weight, bias, training: true });
          noGrad(() => addInto(weight, weight.mul(2)));
          return relu(y);
        },
        { device, rewrites: { fuseNorm: rewrites, splitNorm: rewrites, fusePointwise: rewrites } },
      );
      return [...(await step().read())] as number[];
    };
    expect(differs('value', await run(true), await run(false), { absolute: 1e-5, relative: 1e-5 })).toBe('');
  });

  it('evaluation: a norm with fixed statistics is part of the chain it feeds', async () => {
    const x = filled([4, 8, 3, 3], { seed: 1, format: 'channelsLast' });
    const [runningMean, runningVar] = [filled([8], { seed: 2 }), filled([8], { seed: 3, shift: 2 })];
    const body = (): Tensor => relu(mul(batchNorm(x, { runningMean, runningVar }), 2));
    const step = compile(body, { device });
    const bound = { absolute: 2e-6, relative: 2e-6 };
    expect(differs('evaluation', await step().read(), await body().read(), bound)).toBe('');
    // 1/σ of eight channels, and one pass over the image.
    expect(step.stats().dispatches).toBe(2);
  });
});
