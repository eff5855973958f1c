import { addInto, compile, type Device, mul, OpError, openDevice, relu, sum, type Tensor, zeros } from '@initlab/core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
afterEach(() => void vi.restoreAllMocks());

const numbers = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i + 1);
const total = (count: number): number => (count * (count + 1)) / 2;

describe('recordings of a compiled function', () => {
  it('stay within their bound, and so does the memory they hold', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const before = device.memory.liveBytes;
    const step = compile((x) => [sum(relu(x)), mul(x, 2)], { device, maxRecordings: 3 });
    const held: number[] = [];
    for (let round = 0; round < 3; round++)
      for (const count of [100, 2000, 300, 40, 5000, 60]) {
        const [s, y] = step(numbers(count)) as [Tensor, Tensor];
        expect(await s.item()).toBe(total(count));
        expect((await y.read())[count - 1]).toBe(2 * count);
        s.dispose();
        y.dispose();
        held.push(device.memory.liveBytes - before);
      }
    // Each round is as the one before.
    expect(held.slice(12)).toEqual(held.slice(6, 12));
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringMatching(/more than 3 shapes .*maxRecordings/));
    step.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });

  it('keep the one called last, and record nothing anew within the bound', () => {
    let recorded = 0;
    const step = compile(
      (x) => {
        recorded++;
        return sum(x);
      },
      { device, maxRecordings: 2 },
    );
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    for (const count of [1, 2, 1, 2, 1]) step(numbers(count));
    expect(recorded).toBe(2);
    // 2 was called longest ago.
    step(numbers(3));
    step(numbers(1));
    expect(recorded).toBe(3);
    step(numbers(2));
    expect(recorded).toBe(4);
    step.dispose();
  });

  it('leave what they returned as it was, when their place is taken', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const step = compile((x) => ({ x, doubled: mul(x, 2), count: sum(x) }), { device, maxRecordings: 1 });
    const first = step(numbers(50));
    const reading = first.doubled.read();
    const second = step(numbers(70));
    const third = step(numbers(50));
    expect([...(await first.doubled.read())]).toEqual([...(await reading)]);
    expect(await first.count.item()).toBe(total(50));
    expect((await first.x.read())[49]).toBe(50);
    expect(await second.count.item()).toBe(total(70));
    expect(await third.count.item()).toBe(total(50));
    step.dispose();
  });

  it('write to what outlives them', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => undefined);
    const state = zeros([], { device });
    const step = compile((x) => void addInto(state, sum(x)), { device, maxRecordings: 1 });
    let sofar = 0;
    for (const count of [10, 20, 10, 30]) {
      step(numbers(count));
      sofar += total(count);
      expect(await state.item()).toBe(sofar);
    }
    step.dispose();
    expect(await state.item()).toBe(sofar);
    state.dispose();
  });

  it('are counted in whole numbers', () => {
    for (const maxRecordings of [0, 1.5, Number.NaN, -1]) expect(() => compile((x) => x, { maxRecordings })).toThrow(OpError);
  });
});
