import { backward, compile, type Device, maxPool2d, openDevice, relu, relu6, type Tensor, tensor } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const shape = [2, 4, 6, 6];
/** Windows without a positive value, ties at 0 and at 6, and a NaN among them. */
function image(): Tensor {
  const values = parityFill(288, { seed: 7, scale: 8 }).map((v) => Math.round(v) + 0);
  values[5] = Number.NaN;
  for (let i = 36; i < 72; i++) values[i] = -1;
  return tensor(values, { shape, format: 'channelsLast', device }).requiresGrad_();
}

describe('poolBeforeRelu', () => {
  it.each([
    ['relu', relu, { kernelSize: 2 }],
    ['relu6', relu6, { kernelSize: 2 }],
    ['overlapping windows', relu, { kernelSize: 3, stride: 2, padding: 1 }],
  ] as const)('%s: the same values, forward and backward, with less to do', async (_, activation, options) => {
    const run = async (rewrite: boolean): Promise<{ values: number[][]; bytes: number }> => {
      const x = image();
      const step = compile(
        () => {
          x.grad = undefined;
          const z = maxPool2d(activation(x), options);
          backward(z, { gradient: z.mul(0.5).add(1) });
          return [z, x.grad as unknown as Tensor];
        },
        { device, rewrites: { poolBeforeRelu: rewrite } },
      );
      const values: number[][] = [];
      for (const y of step()) values.push(Array.from(await y.read()));
      const { bytesMoved } = step.stats();
      step.dispose();
      return { values, bytes: bytesMoved };
    };
    const [plain, rewritten] = [await run(false), await run(true)];
    expect(rewritten.values).toEqual(plain.values);
    expect(rewritten.bytes).toBeLessThan(plain.bytes);
  });
});
