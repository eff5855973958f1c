import {
  add,
  addInto,
  backward,
  compile,
  type Device,
  mean,
  mul,
  noGrad,
  openDevice,
  permute,
  relu,
  reshape,
  sigmoid,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from '@initlab/core';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const filled = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    parityFill(
      shape.reduce((a, b) => a * b, 1),
      { seed },
    ),
    { shape: [...shape], device },
  );
/** Fused kernels may contract a product and a sum: a few units in the last place of values around 1 to 10. */
const bound = { absolute: 2e-6, relative: 2e-6 };

/** Dispatches and results of a function compiled with and without fusing. */
async function both(body: () => Tensor[]): Promise<{ plain: number; fused: number; kernels: readonly string[] }> {
  const [plain, fused] = [false, true].map((on) => compile(body, { device, rewrites: { fusePointwise: on } }));
  if (!plain || !fused) throw new Error('unreachable');
  const [a, b] = [plain(), fused()];
  for (const [i, y] of b.entries()) expect(differs(`result ${i}`, await y.read(), await (a[i] as Tensor).read(), bound)).toBe('');
  const counts = { plain: plain.stats().dispatches, fused: fused.stats().dispatches, kernels: fused.stats().variants };
  plain.dispose();
  fused.dispose();
  return counts;
}

describe('pointwise chains', () => {
  it('a chain is one kernel, and reads an operand once however often it occurs', async () => {
    const [x, z] = [filled([2, 8, 4, 4], 1), filled([2, 8, 4, 4], 2)];
    const { plain, fused } = await both(() => [relu(add(mul(x, z), sub(x, mul(z, 2))))]);
    expect([plain, fused]).toEqual([5, 1]);
  });

  it('operands broadcast per channel take part; their own small chains stay apart', async () => {
    const [x, gate] = [filled([2, 8, 4, 4], 1), filled([8], 2)];
    const { fused } = await both(() => {
      const g = sigmoid(reshape(gate, [1, 8, 1, 1]));
      return [add(mul(x, g), mul(x, sub(1, g)))];
    });
    // σ and 1 − σ of eight numbers in one, the rest in another.
    expect(fused).toBe(2);
  });

  it('a value that others need leaves the kernel as well', async () => {
    const [x, z] = [filled([4, 6], 1), filled([4, 6], 2)];
    const { fused } = await both(() => {
      const product = mul(x, z);
      return [sum(product), square(sub(product, 1)), product];
    });
    expect(fused).toBeLessThanOrEqual(3);
  });

  it('a value read elsewhere than at its place is finished first', async () => {
    const x = filled([6, 6], 1);
    await both(() => {
      const doubled = mul(x, 2);
      return [add(doubled, permute(doubled, [1, 0])), add(doubled, reshape(sum(doubled, { dims: [0] }), [1, 6]))];
    });
  });

  it('a value overwritten in between is read before', async () => {
    const x = filled([32], 1);
    const state = zeros([32], { device });
    await both(() => {
      noGrad(() => addInto(state, mul(state, -1)));
      noGrad(() => addInto(state, x));
      const before = mul(state, 3);
      noGrad(() => addInto(state, x));
      return [add(before, mul(state, 3))];
    });
  });

  it('gradients of a gated mixture: forward values are computed again, not stored', async () => {
    const [x, z] = [filled([2, 8, 4, 4], 1), filled([2, 8, 4, 4], 2)];
    const [gate, weight] = [filled([1, 8, 1, 1], 3), filled([1, 8, 1, 1], 4)];
    const leaves = [x, z, gate, weight].map((t) => t.requiresGrad_());
    const { plain, fused, kernels } = await both(() => {
      for (const leaf of leaves) leaf.grad = undefined;
      const g = sigmoid(gate);
      const y = mul(add(mul(g, x), mul(sub(1, g), z)), weight);
      // A transposition keeps the two passes apart, as the layers after a norm would.
      backward(sum(square(permute(y, [0, 1, 3, 2]))));
      return [y, ...leaves.map((leaf) => leaf.grad as Tensor)];
    });
    expect(fused).toBeLessThan(0.6 * plain);
    // The mixture before the weight is in two kernels, and in no buffer.
    expect(kernels.filter((name) => /mul.*mul.*add/.test(name)).length).toBeGreaterThanOrEqual(2);
    for (const leaf of leaves) leaf.requiresGrad_(false);
  });

  it('random graphs give what they give op by op', async () => {
    const leaf = fc.nat(3);
    const step = fc.record({ op: fc.nat(10), a: fc.nat(30), b: fc.nat(30) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), leaf, async (steps, start) => {
        const shape = [2, 4, 3, 3];
        const leaves = [filled(shape, 1), filled([1, 4, 1, 1], 2), filled(shape, 3), filled([2, 1, 3, 3], 4)];
        await both(() => {
          const values: Tensor[] = [leaves[start] as Tensor, ...leaves];
          for (const { op, a, b } of steps) {
            const [x, z] = [values[a % values.length] as Tensor, values[b % values.length] as Tensor];
            values.push(
              [
                () => add(x, z),
                () => sub(x, z),
                () => mul(tanh(x), z),
                () => relu(x),
                () => sigmoid(z),
                () => sum(x, { dims: [2, 3], keepdim: true }),
                () => mul(x, 0.5),
                () => permute(x, [0, 1, 3, 2]),
                () => square(tanh(x)),
                () => sum(mul(x, z), { dims: [0, 2, 3], keepdim: true }),
                () => mean(square(x), { dims: [1], keepdim: true }),
              ][op]?.() as Tensor,
            );
          }
          return values.slice(-3).map((v) => tanh(mul(v, 0.1)));
        });
      }),
      { numRuns: 40, seed: 7 },
    );
  }, 300_000);
});
