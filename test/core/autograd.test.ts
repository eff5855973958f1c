import {
  AnomalyError,
  addInto,
  backward,
  batchNorm,
  compile,
  type Device,
  detectAnomaly,
  grad,
  keep,
  log,
  noGrad,
  openDevice,
  scope,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
const leaf = (values: number[]): Tensor => tensor(values, { device, requiresGrad: true });
const read = async (x: Tensor | undefined): Promise<number[]> => [...((await x?.read()) ?? [])];

describe('backward', () => {
  it('adds to what the leaf has, and zeroing starts anew', async () => {
    const x = leaf([1, 2]);
    backward(x.square().sum());
    backward(x.mul(3).sum());
    expect(await read(x.grad)).toEqual([5, 7]);
    x.grad = undefined;
    backward(x.sum());
    expect(await read(x.grad)).toEqual([1, 1]);
  });

  it('adds gradients that meet again', async () => {
    const x = leaf([3]);
    const y = x.mul(2);
    backward(y.mul(y).add(y).sum());
    expect(await read(x.grad)).toEqual([4 * 2 * 3 + 2]);
  });

  it('gives each leaf a gradient of its own, and leaves the given one alone', async () => {
    for (const run of [(body: () => Tensor[]) => body(), (body: () => Tensor[]) => compile(body, { device })()]) {
      const gradient = tensor([1, 2], { device });
      const [a, b, first, second] = run(() => {
        const [x, z] = [leaf([1, 1]), leaf([1, 1])];
        backward(x.add(z), { gradient });
        addInto(x.grad as Tensor, tensor([10, 10], { device }));
        return [x.grad as Tensor, z.grad as Tensor, x, z];
      });
      expect([await read(a as Tensor), await read(b as Tensor), await read(gradient)]).toEqual([
        [11, 12],
        [1, 2],
        [1, 2],
      ]);
      for (const x of [a, b, first, second, gradient]) x?.dispose();
    }
  });

  it('needs retainGraph to run twice, and says so', async () => {
    const x = leaf([2]);
    const y = x.square().sum();
    backward(y, { retainGraph: true });
    backward(y);
    expect(await read(x.grad)).toEqual([8]);
    expect(() => backward(y)).toThrow(/what sum saved is gone: backward ran before/);
  });

  it('asks for a gradient where the output is no scalar', () => {
    expect(() => backward(leaf([1, 2]).mul(2))).toThrow('the output has 2 elements; pass { gradient }');
    expect(() => backward(tensor([1], { device }).mul(2))).toThrow('does not depend on any tensor with requiresGrad');
  });

  it('takes a gradient of another type as numbers, not as bits', async () => {
    for (const dtype of ['i32', 'f16', 'f32'] as const) {
      const x = leaf([0, 1]);
      const gradient = tensor([1, 2], { device, dtype });
      backward(x.mul(3), { gradient });
      expect([x.grad?.dtype, ...((await x.grad?.read()) ?? [])]).toEqual(['f32', 3, 6]);
      const [g] = grad(x.reshape([1, 2]), [x], { gradient: gradient.reshape([1, 2]) });
      expect([g?.dtype, ...((await g?.read()) ?? [])]).toEqual(['f32', 1, 2]);
    }
  });

  it('leaves the tape alone under noGrad', () => {
    const y = noGrad(() => leaf([1]).mul(2));
    expect(y.requiresGrad).toBe(false);
  });

  it('works outside the scope a tensor was kept from', async () => {
    const x = leaf([2]);
    const y = scope(() => keep(x.square().mul(3)));
    backward(y);
    expect(await read(x.grad)).toEqual([12]);
  });

  it('calls hooks on leaves and inner tensors, which may change the gradient', async () => {
    const x = leaf([1, 2]);
    const y = x.mul(2);
    const seen: string[] = [];
    const remove = y.registerHook((g) => {
      seen.push('inner');
      return g.mul(10);
    });
    x.registerHook(() => void seen.push('leaf'));
    backward(y.sum(), { retainGraph: true });
    expect(await read(x.grad)).toEqual([20, 20]);
    remove();
    x.grad = undefined;
    backward(y.sum());
    expect(await read(x.grad)).toEqual([2, 2]);
    expect(seen).toEqual(['inner', 'leaf', 'leaf']);
  });
});

describe('grad', () => {
  it('gives gradients of gradients', async () => {
    const x = leaf([2, 3]);
    const [first] = grad(x.pow(3).sum(), [x], { createGraph: true });
    const [second] = grad(sum(first as Tensor), [x]);
    expect(await read(second)).toEqual([12, 18]);
    expect(x.grad).toBeUndefined();
  });

  it('goes through batch norm in evaluation, too', async () => {
    const x = tensor([1, 2, 3, 4], { shape: [2, 2], device, requiresGrad: true });
    const weight = leaf([2, 3]);
    const statistics = { runningMean: tensor([0, 1], { device }), runningVar: tensor([1, 4], { device }), eps: 0 };
    const y = batchNorm(x, { weight, bias: leaf([0, 0]), ...statistics });
    const [dx] = grad(y.square().sum(), [x], { createGraph: true });
    const [dweight] = grad(sum(dx as Tensor), [weight]);
    // dx = 2·w²·r²·(x − m), so its sum's derivative is 4·w·r²·Σ(x − m).
    expect(await read(dweight)).toEqual([4 * 2 * 1 * 4, 4 * 3 * 0.25 * 4]);
  });
});

describe('anomaly mode', () => {
  it('names the op that first made a NaN, in the forward and in the backward', async () => {
    await expect(detectAnomaly(() => void log(tensor([1, -1], { device })).mul(2), { device })).rejects.toThrow(AnomalyError);
    await expect(detectAnomaly(() => void log(tensor([1, -1], { device })).mul(2), { device })).rejects.toThrow(/NaN, made by log/);
    const x = leaf([0]);
    await expect(detectAnomaly(() => backward(x.sqrt().sum()), { device })).rejects.toThrow(/infinity, made by .* in the gradient of sqrt/);
    expect(await detectAnomaly(() => 7, { device })).toBe(7);
  });
});

describe('compile', () => {
  it('compiles anew for another shape and keeps results apart from later calls when read at once', async () => {
    const w = leaf([2]);
    const step = compile((x) => x.mul(w).sum().mul(x).sum(), { device });
    const sums = [step(Float32Array.of(1, 2)).item(), step(Float32Array.of(1, 2, 3)).item(), step(Float32Array.of(5, 5)).item()];
    expect(await Promise.all(sums)).toEqual([18, 72, 200]);
    const { liveBytes } = device.memory;
    step.dispose();
    expect(device.memory.liveBytes).toBeLessThan(liveBytes);
  });

  it('writes gradients in place unless the rewrite is switched off, with the same values', async () => {
    const run = (rewrites: { writeThrough?: boolean }): { grads: Promise<number[]>; dispatches: number } => {
      const x = leaf([1, 2, 3]);
      const slot = tensor([0, 0, 0], { device });
      x.gradSlot = slot;
      const step = compile(
        () => {
          x.grad = undefined;
          const loss = x.square().sum();
          backward(loss);
          return loss;
        },
        { device, rewrites },
      );
      step();
      return { grads: read(slot), dispatches: step.stats().dispatches };
    };
    const [fused, plain] = [run({}), run({ writeThrough: false })];
    expect(await fused.grads).toEqual([2, 4, 6]);
    expect(await plain.grads).toEqual([2, 4, 6]);
    expect(fused.dispatches).toBeLessThan(plain.dispatches);
  });

  it('refuses async functions, nested recording and values from inside', async () => {
    expect(() => compile(async () => tensor([1], { device }), { device })()).toThrow('the function is async');
    const inner = compile((x) => x.mul(2), { device });
    expect(() => compile((x) => inner(x), { device })(1)).toThrow('cannot be recorded inside another');
    let escaped: Tensor | undefined;
    compile(
      (x) => {
        escaped = x.mul(2);
        return x;
      },
      { device },
    )(1);
    expect(() => escaped?.add(1)).toThrow(/disposed|outside/);
  });
});
