import { add, backward, compile, type Device, full, grad, mul, ones, openDevice, scope, sum, type Tensor } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ZeroCase, ZeroCases } from './zero-case.js';

/** Both families of planners; the second takes what a GPU gets, in tiles that a CPU's compiler is done with soon. */
export const planners = [
  ['a CPU driver', {}],
  ['a GPU', { software: false, rolled: true, maxWorkgroupStorage: 8192 }],
] as const;

/** Leaves garbage in the buffers that the next tensors get: what nobody writes is seen. */
export function soil(device: Device): void {
  scope(() => {
    for (let i = 0; i < 12; i++) for (const count of [4, 64, 256, 1024]) full([count], 77, { device });
  });
}

/** Every element is `value`; NaN is NaN. */
export function expectAll(label: string, values: ArrayLike<number>, value: number): void {
  expect(
    Array.from(values, (v) => (v === 0 ? 0 : v)),
    label,
  ).toEqual(new Array<number>(values.length).fill(value));
}

/** The device still computes. */
export async function expectUsable(device: Device): Promise<void> {
  const y = scope(() => add(ones([2], { device }), 1));
  expect([...(await y.read())]).toEqual([2, 2]);
  y.dispose();
}

async function check(label: string, all: readonly Tensor[], { inputs, y: [shape, value = 0], grads }: ZeroCase): Promise<void> {
  const [y, ...gradients] = all as [Tensor, ...Tensor[]];
  expect(y.shape, label).toEqual(shape);
  expectAll(`${label}: result`, await y.read(), value);
  expect(gradients.map((g) => g.shape)).toEqual(grads === 'none' ? [] : inputs);
  for (const [i, g] of gradients.entries())
    expectAll(`${label}: gradient ${i}`, await g.read(), grads && grads !== 'none' ? (grads[i] ?? 0) : 0);
}

/** Runs tables of cases: op by op and compiled, in f32 and f16, images in both memory formats, for both planners. */
export function runCases(families: ZeroCases): void {
  describe.each(planners)('as planned for %s', (_, target) => {
    let device: Device;
    beforeAll(async () => {
      device = await openDevice({ target });
    });
    afterAll(async () => {
      await expectUsable(device);
      device.close();
    });

    for (const [op, cases] of Object.entries(families))
      it.each(cases.map((c) => [c.title, c] as const))(`${op}: %s`, async (_, c) => {
        for (const dtype of ['f32', 'f16'] as const)
          for (const format of ['rowMajor', 'channelsLast'] as const) {
            if (dtype === 'f16' && (c.only32 || !device.caps.f16)) continue;
            if (format === 'channelsLast' && !c.inputs.some((shape) => shape.length === 4)) continue;
            const leaves = c.inputs.map((shape) => ones(shape, { device, dtype, format, requiresGrad: c.grads !== 'none' }));
            const body = (): Tensor[] => {
              const y = c.f(...leaves);
              if (c.grads === 'none') return [y];
              for (const leaf of leaves) leaf.zeroGrad();
              backward(y, { gradient: ones(y.shape, { device, dtype: y.dtype }) });
              return [y, ...leaves.flatMap((leaf) => leaf.grad ?? [])];
            };
            soil(device);
            await check(`${dtype} ${format}`, scope(body), c);
            soil(device);
            const step = compile(body, { device });
            await check(`${dtype} ${format} compiled`, step(), c);
            step.dispose();
            for (const leaf of leaves) {
              leaf.zeroGrad();
              leaf.dispose();
            }
          }
      });

    const differentiable = Object.entries(families).flatMap(([op, cases]) =>
      cases.filter((c) => c.grads !== 'none').map((c) => [op, c] as const),
    );
    if (differentiable.length > 0)
      it('gradients of gradients exist', async () => {
        for (const [op, { title, inputs, f }] of differentiable) {
          const second = scope(() => {
            const leaves = inputs.map((shape) => ones(shape, { device, requiresGrad: true }));
            const first = grad(sum(f(...leaves)), leaves, { createGraph: true });
            const total = first.reduce<Tensor | undefined>(
              (all, g) => (all ? add(all, sum(mul(g, g))) : sum(mul(g, g))),
              undefined,
            ) as Tensor;
            // What is linear in all of its operands has no second gradient.
            if (total.link) backward(total);
            return leaves.flatMap((leaf) => leaf.grad ?? []);
          });
          for (const g of second) {
            expect((await g.read()).length, `${op}, ${title}`).toBe(g.size);
            g.dispose();
          }
        }
      });
  });
}
