import { readFileSync } from 'node:fs';
import { autocast, backward, cast, compile, type Device, mul, sum, type Tensor, tensor } from '@initlab/core';
import { type Module, normFactory } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { devicesOfBothKinds } from '../../support/both-kinds.js';
import { type Bound, differs } from '../../support/close.js';
import { parityFill } from '../../support/parity-fill.js';

interface Case {
  readonly norm: string;
  readonly shape: readonly [number, number, number, number];
  readonly scale: number;
  readonly shift: number;
  /** The input is rounded to half precision. */
  readonly half: boolean;
  readonly y: number[];
  readonly dx: number[];
  readonly grads: Readonly<Record<string, number[]>>;
}
const file = new URL('../../parity/norms-extreme.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };

/** As a CPU driver runs them, and with the kernels and rewrites of a GPU. */
const deviceOf = devicesOfBothKinds();

/** Forward and backward of a case: y, dx and the parameters' gradients, as PyTorch's autocast would run them where x is half. */
async function run(c: Case, { device, compiled }: { device: Device; compiled: boolean }): Promise<number[][]> {
  const norm: Module = normFactory(c.norm)(c.shape[1], { device });
  [...norm.namedParameters()].forEach(([, p], k) => {
    p.set(parityFill(p.size, { seed: 10 + k, scale: 0.5, shift: 0.6 }));
  });
  const size = c.shape.reduce((a, b) => a * b, 1);
  const made = (fill: { seed: number; scale?: number; shift?: number }): Tensor =>
    tensor(parityFill(size, fill), { shape: [...c.shape], device });
  const given = made({ seed: 1, scale: c.scale, shift: c.shift });
  const x = (c.half ? cast(given, 'f16') : given).requiresGrad_();
  const cotangent = made({ seed: 2 });
  const body = (): Tensor[] => {
    for (const leaf of [x, ...norm.parameters()]) leaf.grad = undefined;
    const y = norm.forward(x);
    backward(sum(mul(y, cotangent)));
    return [y, x.grad as Tensor, ...norm.parameters().map((p) => p.grad as Tensor)];
  };
  const mixed = (): Tensor[] => (c.half ? autocast(body) : body());
  const got = compiled ? compile(body, { device, precision: c.half ? 'mixed' : 'f32' })() : mixed();
  const values = await Promise.all(got.map(async (t) => [...(await t.read())] as number[]));
  norm.dispose();
  return values;
}

const namesOf = (c: Case): string[] => ['y', 'dx', ...Object.keys(c.grads)];
const all: [string, 'cpu' | 'gpu', boolean][] = [
  ['eager', 'cpu', false],
  ['compiled', 'cpu', true],
  ['compiled as for a GPU', 'gpu', true],
];
const titled = (list: readonly Case[]) => list.map((c) => [`${c.norm}, ${c.shift} ± ${c.scale}`, c] as const);

describe.each(all)('statistics of extreme values, against the formulas in float64: %s', (_, kind, compiled) => {
  it.each(titled(cases.filter((c) => c.shift >= 1e5 && c.scale === 1)))('a large mean: %s', async (_title, c) => {
    const got = await run(c, { device: deviceOf(kind), compiled });
    // The mean itself is rounded to f32, at most half of its last digit: 2⁻²⁴ of it, beside a deviation of 1/√3. PyTorch's f32
    // has that error too. What gates let past the norm is as large as the mean.
    const lost = Math.sqrt(3) * c.shift * 2 ** -24;
    const wanted = [c.y, c.dx, ...Object.values(c.grads)];
    for (const [i, name] of namesOf(c).entries())
      expect(differs(name, got[i] as number[], wanted[i] as number[], { absolute: 1e-6, relative: 2e-3 + 2 * lost })).toBe('');
  });

  it.each(titled(cases.filter((c) => c.half)))('halves whose squares are no halves: %s', async (_title, c) => {
    const device = deviceOf(kind);
    if (!device.caps.f16) return;
    const got = await run(c, { device, compiled });
    // Results and input gradients are rounded to half; those smaller than 6e-8 vanish. Parameters' gradients are sums of products
    // with rounded values, and a gate's of their differences.
    const half: Bound = { absolute: 1e-6, relative: 4e-3 };
    const wanted = [c.y, c.dx, ...Object.values(c.grads)];
    for (const [i, name] of namesOf(c).entries())
      expect(differs(name, got[i] as number[], wanted[i] as number[], i < 2 ? half : { ...half, absolute: 1e-3 })).toBe('');
  });

  it.each(titled(cases.filter((c) => c.scale >= 1e20)))('squares beyond f32: %s', async (_title, c) => {
    const got = await run(c, { device: deviceOf(kind), compiled });
    const wanted = [c.y, c.dx, ...Object.values(c.grads)];
    for (const [i, name] of namesOf(c).entries()) {
      const values = got[i] as number[];
      // These keep squares in f32, in units that serve to 10²⁵: beyond, an infinite variance
      // makes the normalised values 0, and of its shares NaN, as PyTorch's f32 does from 10¹⁹ on.
      const most = { 'batch-group': 1e25, switchable: 1e25, 'filter-response': 1e25 }[c.norm] ?? Number.POSITIVE_INFINITY;
      const held = c.scale < most;
      if (held || (name !== 'var_weight' && name !== 'var_gate')) expect(values.some(Number.isNaN), name).toBe(false);
      if (!held) continue;
      expect(differs(name, values, wanted[i] as number[], { absolute: 0, relative: 1e-3 })).toBe('');
    }
  });
});
