import {
  autocast,
  backward,
  compile,
  conv2d,
  crossEntropy,
  type Device,
  Generator,
  mean,
  mul,
  openDevice,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { createModel } from '@initlab/models';
import { Adam, LossScaler, Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const images = (batch: number): Tensor => tensor(parityFill(batch * 3072, { seed: 1, scale: 1.5 }), { shape: [batch, 3, 32, 32], device });
const labels = (batch: number): Tensor =>
  tensor(
    Int32Array.from({ length: batch }, (_, i) => (7 * i) % 10),
    { dtype: 'i32', device },
  );

interface FirstStep {
  readonly loss: number;
  /** Of each parameter's gradient, unscaled. */
  readonly norms: number[];
  readonly names: string[];
}

async function firstStep(name: string, { precision, norm }: { precision: 'f32' | 'mixed'; norm?: string | undefined }): Promise<FirstStep> {
  const model = createModel(name, { device, generator: new Generator(5), ...(norm ? { norm } : {}) });
  const [x, y] = [images(4), labels(4)];
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  const scaler = new LossScaler({ device, scale: 1024 });
  const step = compile(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(x), y);
      backward(scaler.scale(loss));
      scaler.step(optimizer);
      return loss;
    },
    { device, precision },
  );
  const loss = await step().item();
  expect(step.stats().precision).toBe(device.caps.f16 ? precision : 'f32');
  const norms: number[] = [];
  const names: string[] = [];
  for (const [key, p] of model.namedParameters()) {
    expect(p.dtype).toBe('f32');
    expect(p.grad?.dtype, key).toBe('f32');
    names.push(key);
    norms.push(Math.sqrt(((await (p.grad as Tensor).read()) as Float32Array).reduce((total, g) => total + g * g, 0)) / 1024);
  }
  for (const part of [model, optimizer, scaler, step, x, y]) part.dispose();
  return { loss, norms, names };
}

describe('mixed precision', () => {
  // Every family of the zoo and a norm written from ops, whose f32 parameters meet f16 activations; extreme-values.test.ts has all norms.
  it.each<[string, string | undefined]>([
    ['simple-cnn', undefined],
    ['resnet20', undefined],
    ['resnet56', undefined],
    ['resnet8', 'switchable'],
    ['vgg16-bn-x0.125', undefined],
    ['mobilenetv2', undefined],
    ['wrn16-2', undefined],
    ['wrn16-2', 'weight'],
    ['fixup-resnet8', undefined],
    ['mlp3-32', undefined],
    ['cnn3-16', undefined],
  ])(
    '%s %s: loss and gradient norms within 2e-2 of f32',
    async (name, norm) => {
      const expected = await firstStep(name, { precision: 'f32', norm });
      const got = await firstStep(name, { precision: 'mixed', norm });
      expect(Math.abs(got.loss / expected.loss - 1)).toBeLessThan(2e-3);
      const whole = (norms: readonly number[]): number => Math.hypot(...norms);
      expect(Math.abs(whole(got.norms) / whole(expected.norms) - 1)).toBeLessThan(2e-2);
      // Each parameter's beside the whole gradient's: at initialisation small ones are half rounding, in PyTorch's halves too.
      const bound = { absolute: 2e-2 * whole(expected.norms), relative: 0 };
      expect(differs('norms', got.norms, expected.norms, bound)).toBe('');
    },
    300_000,
  );

  it('stores activations in halves and parameters in f32, takes losses and sums in f32', () => {
    if (!device.caps.f16) return;
    const weight = tensor(parityFill(72, { seed: 2 }), { shape: [8, 1, 3, 3], device, requiresGrad: true });
    const x = tensor(parityFill(128, { seed: 1 }), { shape: [2, 1, 8, 8], device });
    autocast(() => {
      const y = conv2d(x, weight, { padding: 1 });
      expect(y.dtype).toBe('f16');
      expect(mean(y).dtype).toBe('f32');
      expect(mul(y, 2).dtype).toBe('f16');
      expect(mul(y, tensor([2], { device })).dtype).toBe('f32');
      backward(sum(mul(y, y)));
    });
    expect(weight.grad?.dtype).toBe('f32');
    expect(() => mul(conv2d(x, weight), tensor([2], { dtype: 'f16', device }))).toThrow('cast() one');
  });

  it('repeats its bits', async () => {
    const [first, second] = [await firstStep('resnet8', { precision: 'mixed' }), await firstStep('resnet8', { precision: 'mixed' })];
    expect(second).toEqual(first);
  }, 300_000);
});

describe('the loss scaler', () => {
  /** A step on one parameter whose gradient is given. */
  async function stepping(make: (p: Parameter) => SGD | Adam, { clipNorm }: { clipNorm?: number } = {}) {
    const p = new Parameter([3], { device });
    p.set([1, 2, 3]);
    const optimizer = make(p);
    const scaler = new LossScaler({ device, scale: 8, growthInterval: 2 });
    const step = compile(
      (gradient) => {
        optimizer.zeroGrad();
        backward(scaler.scale(sum(mul(p, gradient))));
        scaler.step(optimizer, { clipNorm });
      },
      { device },
    );
    return {
      run: async (gradient: readonly number[]) => {
        step(Float32Array.from(gradient));
        return {
          values: [...(await p.read())] as number[],
          state: [...(await scaler.state.read())] as number[],
          moments: (await optimizer.state()).moments,
        };
      },
    };
  }

  it('unscales, skips what is not finite, halves then, and doubles after good steps in a row', async () => {
    const { run } = await stepping((p) => new SGD([p], { lr: 0.5, momentum: 0.9 }));
    const first = await run([1, 0, -2]);
    expect(first).toMatchObject({ values: [0.5, 2, 4], state: [8, 1 / 8, 0, 1] });
    const skipped = await run([Number.POSITIVE_INFINITY, 0, 1]);
    expect(skipped.values).toEqual(first.values);
    expect(skipped.moments).toEqual(first.moments);
    expect(skipped.state).toEqual([4, 1 / 8, 1, 0]);
    expect((await run([0, Number.NaN, 0])).state).toEqual([2, 1 / 4, 1, 0]);
    expect((await run([0, 0, 0])).state).toEqual([2, 1 / 2, 0, 1]);
    const grown = await run([0, 0, 0]);
    expect(grown.state).toEqual([4, 1 / 2, 0, 0]);
    // Momentum alone moved it, twice.
    expect(grown.values[0]).toBeCloseTo(0.5 - 0.5 * (0.9 + 0.81), 6);
  });

  it('never falls below 1, clips by the unscaled norm, and goes with Adam', async () => {
    const { run } = await stepping((p) => new SGD([p], { lr: 1 }), { clipNorm: 1 });
    expect((await run([3, 0, 4])).values.map((v) => Number(v.toFixed(5)))).toEqual([0.4, 2, 2.2]);
    for (let i = 0; i < 5; i++) await run([Number.NaN, 0, 0]);
    expect((await run([Number.NaN, 0, 0])).state[0]).toBe(1);
    const adam = await stepping((p) => new Adam([p], { lr: 0.1 }));
    const { values } = await adam.run([5, -3, 0]);
    expect(differs('Adam', values, [0.9, 2.1, 3], { absolute: 1e-5, relative: 0 })).toBe('');
  });

  it('refuses nonsense', () => {
    expect(() => new LossScaler({ device, scale: 0 })).toThrow('scale is 0');
    expect(() => new LossScaler({ device, growthInterval: 0.5 })).toThrow('growthInterval');
  });
});
