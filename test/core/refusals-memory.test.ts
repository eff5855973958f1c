import { compile, copyInto, type Device, empty, matmul, openDevice, relu, scope, type Tensor, tensor } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { disposeAll, refusedUntilItFits } from '../support/little-memory.js';
import { calls, type Operands, operands } from './support/refusable-calls.js';

const limit = 4 << 20;

let device: Device;
let small: Device;
let narrow: Device;
let at: Operands;
beforeAll(async () => {
  device = await openDevice({ label: 'plain' });
  small = await openDevice({ label: 'small', memoryLimit: limit });
  narrow = await openDevice({ label: 'narrow', target: { maxStorageBinding: 4096 } });
  at = operands(small);
});
afterAll(() => {
  for (const each of [device, small, narrow]) each.close();
});

const live = (on: Device): number => on.memory.liveBytes;
const refusals = (call: () => unknown): number => refusedUntilItFits(small, { limit, call });

describe('an op that is refused for want of memory, at whichever allocation, leaves nothing', () => {
  const inPlace = new Set(['copyInto', 'addInto']);
  it.each(Object.entries(calls))('%s', async (name, call) => {
    const grads = [at.leaf, at.kernel];
    const count = refusals(() => {
      const result = call(at);
      for (const x of grads) x.zeroGrad();
      return inPlace.has(name) ? undefined : result;
    });
    expect(count).toBeGreaterThan(0);
    refusals(() =>
      scope(() => {
        call(at);
        for (const x of grads) x.zeroGrad();
      }),
    );
    // It works, with what there was.
    const [one] = await scope(() => copyInto(tensor([0], { device: small }), tensor([1], { device: small }))).read();
    expect(one).toBe(1);
  });
});

describe('an op that is refused because a binding is too large leaves nothing', () => {
  it.each(Object.entries(calls))('%s', (_, call) => {
    const operandsOf = (): Operands => {
      const wide = (shape: number[], options: object = {}): Tensor => empty(shape, { device: narrow, ...options });
      return {
        device: narrow,
        image: wide([4, 16, 8, 8]),
        lying: wide([4, 16, 8, 8], { format: 'channelsLast' }),
        leaf: wide([4, 16, 8, 8], { requiresGrad: true }),
        half: wide([4, 16, 8, 8], { dtype: 'f16' }),
        kernel: wide([16, 16, 3, 3], { requiresGrad: true }),
        channels: wide([16]),
        matrix: wide([64, 64]),
        halfMatrix: wide([64, 64], { dtype: 'f16' }),
        row: wide([64]),
        labels: wide([64], { dtype: 'i32' }),
        rng: wide([4], { dtype: 'u32' }),
      };
    };
    const own = operandsOf();
    const before = live(narrow);
    for (let i = 0; i < 3; i++) {
      let made: unknown;
      try {
        made = call(own);
      } catch {
        expect(live(narrow)).toBe(before);
        expect(() => scope(() => call(own))).toThrow();
      }
      // Some are done in parts.
      disposeAll(made);
      expect(live(narrow)).toBe(before);
    }
    disposeAll(own);
  });
});

describe('a refused compile leaves nothing', () => {
  it('for want of memory, at whichever allocation', () => {
    const { matrix } = at;
    const count = refusals(() => {
      const step = compile((x, scale) => [relu(matmul(x, matrix)).mul(scale), tensor([1, 2, 3], { device: small })], { device: small });
      step(matrix, 2);
      step.dispose();
    });
    expect(count).toBeGreaterThan(3);
  });

  it('for what the function throws, and for a kernel that cannot run here', () => {
    const x = empty([64, 64], { device: narrow });
    const before = live(narrow);
    const thrower = compile((y) => {
      relu(y);
      throw new TypeError('of its own');
    });
    const large = compile((y) => matmul(y, x).sum());
    for (let i = 0; i < 3; i++) {
      expect(() => thrower(x)).toThrow('of its own');
      expect(() => large(x)).toThrow('more than this adapter binds');
    }
    expect(live(narrow)).toBe(before);
    x.dispose();
  });
});
