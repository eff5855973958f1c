import {
  add,
  autocast,
  backward,
  defaultDevice,
  defaultGenerator,
  detectAnomaly,
  Generator,
  gradEnabled,
  hostUntouched,
  log,
  noGrad,
  ones,
  rand,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
  withDefaultGenerator,
} from '@initlab/core';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';

defaultDeviceOfTests();

const later = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
const leaf = (values: readonly number[]): Tensor => tensor([...values], { requiresGrad: true });

/** Three bodies under way at once, of which the first to begin ends first. */
const overlapping = (run: (milliseconds: number) => Promise<unknown>): Promise<unknown> => Promise.allSettled([10, 20, 30].map(run));

describe('async bodies under way at once leave the modes as they were', () => {
  it('noGrad: off until the last has settled, then on', async () => {
    const seen: boolean[] = [];
    await overlapping((wait) =>
      noGrad(async () => {
        await later(wait);
        seen.push(gradEnabled());
      }),
    );
    expect(seen).toEqual([false, false, false]);
    const x = leaf([3]);
    backward(sum(square(x)));
    expect([...((await x.grad?.read()) ?? [])]).toEqual([6]);
  });

  it('noGrad: also where one throws', async () => {
    await overlapping((wait) =>
      noGrad(async () => {
        await later(wait);
        if (wait < 30) throw new Error('inside');
      }),
    );
    expect(gradEnabled()).toBe(true);
  });

  it('autocast: an async body has it to its end, and nothing has it afterwards', async () => {
    const half = tensor([1, 2], { dtype: 'f16' });
    const types: string[] = [];
    await overlapping((wait) =>
      autocast(async () => {
        await later(wait);
        types.push(square(half).dtype);
      }),
    );
    expect(types).toEqual(['f32', 'f32', 'f32']);
    expect(square(half).dtype).toBe('f16');
  });

  it('detectAnomaly: watches to its end, and nothing is watched afterwards', async () => {
    const run = (value: number, wait: number): Promise<unknown> =>
      detectAnomaly(async () => {
        await later(wait);
        return log(tensor([value]));
      });
    const [first, second] = await Promise.allSettled([run(1, 10), run(-1, 20)]);
    expect(first?.status).toBe('fulfilled');
    expect(second).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('NaN, made by log') } });
    expect(Number.isNaN(await log(tensor([-1])).item())).toBe(true);
  });
});

describe('two async scopes under way at once', () => {
  it('are refused, and what is made afterwards is in none of them', async () => {
    const before = defaultDevice().memory.liveBytes;
    const [first, second] = await Promise.allSettled(
      [10, 20].map((wait) =>
        scope(async () => {
          ones([1000]);
          await later(wait);
          await add(ones([1000]), 1).read();
        }),
      ),
    );
    expect(first).toMatchObject({ status: 'rejected', reason: { message: expect.stringContaining('await one before the next begins') } });
    expect(second?.status).toBe('fulfilled');
    expect(defaultDevice().memory.liveBytes).toBe(before);
    // Memory made outside every scope is the collector's to give back; in one that never ended it would not be.
    const x = ones([1000]);
    expect([...defaultDevice().holders].at(-1)?.loose).toBe(true);
    x.dispose();
  });
});

describe('the numbers that bodies draw and count', () => {
  it('withDefaultGenerator: its own until it has settled', async () => {
    const outside = defaultGenerator();
    const generators = [new Generator(1), new Generator(2)];
    await Promise.all(
      generators.map((generator, i) =>
        withDefaultGenerator(generator, async () => {
          await later(10 * (i + 1));
          expect(generators).toContain(defaultGenerator());
        }),
      ),
    );
    expect(defaultGenerator()).toBe(outside);
  });

  it('hostUntouched takes none', () => {
    expect(() => hostUntouched(async () => rand([2]))).toThrow(/hostUntouched: the body is async/);
  });
});
