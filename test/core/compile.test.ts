import { backward, compile, type Device, OpError, openDevice, type Tensor, tensor } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
const leaf = (values: number[]): Tensor => tensor(values, { device, requiresGrad: true });

describe('guards', () => {
  /** A compiled gradient step over two leaves, and how often it was recorded. */
  const recorded = (a: Tensor, b: Tensor) => {
    let recordings = 0;
    const step = compile(
      () => {
        recordings++;
        a.grad = undefined;
        b.grad = undefined;
        const product = a.mul(b).sum();
        backward(product);
        return { a: a.grad as Tensor | undefined, b: b.grad as Tensor | undefined };
      },
      { device },
    );
    return { step, recordings: () => recordings };
  };

  it('records anew where a leaf no longer requires a gradient, and knows the first recording again', async () => {
    const [a, b] = [leaf([2]), leaf([3])];
    const { step, recordings } = recorded(a, b);
    expect(await step().b?.item()).toBe(2);
    a.requiresGrad_(false);
    const frozen = step();
    expect(frozen.a).toBeUndefined();
    expect(await frozen.b?.item()).toBe(2);
    a.requiresGrad_();
    expect(await step().a?.item()).toBe(3);
    expect(recordings()).toBe(2);
  });

  it('is not confused by what the function itself makes or sets', async () => {
    let recordings = 0;
    const step = compile(
      (x) => {
        recordings++;
        const own = tensor([2], { device });
        own.mul(x);
        own.requiresGrad_();
        x.requiresGrad_();
        backward(own.mul(x).sum());
        return [own.grad, x.grad];
      },
      { device },
    );
    for (const value of [3, 4]) {
      const [own, x] = step(value);
      expect([await own?.item(), await x?.item()]).toEqual([value, 2]);
    }
    expect(recordings).toBe(1);
  });
});

describe('results', () => {
  it('refuses one that a later call has overwritten, wherever it is used', async () => {
    const step = compile((x) => ({ y: x.mul(2), x }), { device });
    const first = step(1);
    const shared = first.y.detach();
    const copy = first.y.add(0);
    const underway = first.y.item();
    const second = step(2);
    const message = /result of a compiled step \(shape \[\]\) that a later call has overwritten; before that call, read\(\).*add\(0\)/;
    for (const stale of [first.y, first.x, shared]) {
      await expect(stale.item()).rejects.toThrow(message);
      expect(() => stale.add(1)).toThrow(message);
      expect(() => step(stale)).toThrow(message);
      expect(() => stale.detach()).toThrow(message);
    }
    expect([await underway, await copy.item(), await second.y.item()]).toEqual([2, 2, 4]);
    for (const x of [first.y, first.x, shared]) x.dispose();
    expect(await step(second.y).y.item()).toBe(8);
  });

  it('keeps those of another shape or from a disposed step, and gives all memory back', async () => {
    const before = device.memory.liveBytes;
    const step = compile((x) => x.sum(), { device });
    const [three, two] = [step(Float32Array.of(1, 1, 1)), step(Float32Array.of(1, 1))];
    expect([await three.item(), await two.item()]).toEqual([3, 2]);
    for (let i = 0; i < 3; i++) step(Float32Array.of(i, 1));
    const last = step(Float32Array.of(4, 1));
    step.dispose();
    expect(await last.item()).toBe(5);
    last.dispose();
    three.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });

  it('gives back a gradient that is a constant of the step', async () => {
    const before = device.memory.liveBytes;
    const x = leaf([2]);
    const step = compile(() => backward(x.add(1), { gradient: tensor([5], { device }) }), { device });
    step();
    step.dispose();
    expect(await x.grad?.item()).toBe(5);
    x.zeroGrad();
    x.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });

  it('has no history, and says where backward belongs', () => {
    const w = leaf([2]);
    const loss = compile(() => w.square().sum(), { device })();
    expect(() => loss.backward()).toThrow('carries no history; call backward inside the compiled function');
  });
});

describe('inputs', () => {
  it('refuses one of another device as eager does, before and after recording', async () => {
    const other = await openDevice({ label: 'other' });
    const far = tensor([1], { device: other });
    const step = compile((x) => x.mul(2));
    expect(await step(tensor([4], { device })).item()).toBe(8);
    for (const call of [() => step(far), () => compile((x) => x.mul(2), { device })(far)]) {
      expect(call).toThrow(OpError);
      expect(call).toThrow(/operands live on two devices \(gpu\d+ and other\)/);
    }
    expect(await step(tensor([5], { device })).item()).toBe(10);
    other.close();
  });

  it('says when one is missing or is no input', () => {
    const step = compile((x, y) => x.mul(y), { device });
    expect(() => step(1)).toThrow(/compile: the function has 2 parameters and got 1 inputs/);
    expect(() => compile((x) => x.square(), { device })()).toThrow(/has 1 parameters and got 0 inputs/);
    expect(() => step(1, undefined as unknown as number)).toThrow('operand 1 is undefined; give a tensor, a typed array or a number');
    const optional = compile((x: Tensor, y?: Tensor) => (y ? x.mul(y) : x.neg()), { device });
    expect(optional(1).shape).toEqual([]);
  });
});
