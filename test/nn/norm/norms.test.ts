import { readFileSync } from 'node:fs';
import {
  backward,
  compile,
  crossEntropy,
  type Device,
  Generator,
  groupNorm,
  mul,
  openDevice,
  sum,
  type Tensor,
  tensor,
  withDefaultGenerator,
} from '@initlab/core';
import { createModel } from '@initlab/models';
import { listNorms, type Module, normConv2d, normFactory, RandomModule } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs, parityBound } from '../../support/close.js';
import { parityFill } from '../../support/parity-fill.js';

interface Case {
  readonly norm: string;
  readonly shape: readonly [number, number, number, number];
  readonly shift: number;
  readonly y: number[];
  readonly dx: number[];
  readonly grads: Readonly<Record<string, number[]>>;
}
const { cases } = JSON.parse(readFileSync(new URL('../../parity/norms.json', import.meta.url), 'utf8')) as { cases: Case[] };

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const filled = (shape: readonly number[], fill: { seed: number; scale?: number; shift?: number }): Tensor =>
  tensor(
    parityFill(
      shape.reduce((a, b) => a * b, 1),
      fill,
    ),
    { shape: [...shape], device },
  );

/** Parameters as parity_norms.py fills them. */
function fillParameters(norm: Module): void {
  [...norm.namedParameters()].forEach(([, p], k) => {
    p.set(parityFill(p.size, { seed: 10 + k, scale: 0.5, shift: 0.6 }));
  });
}

describe('norms against their formulas in float64 (test/parity/parity_norms.py)', () => {
  for (const [how, wrap] of [
    ['eager', (body: () => Tensor[]) => body],
    ['compiled', (body: () => Tensor[]) => compile(body)],
  ] as const)
    it.each(cases.map((c) => [`${c.norm} [${c.shape}]${c.shift ? ' around 1000' : ''}`, c] as const))(`%s, ${how}`, async (_, c) => {
      const norm = normFactory(c.norm)(c.shape[1], { device });
      fillParameters(norm);
      expect(Object.keys(c.grads)).toEqual([...norm.namedParameters()].map(([name]) => name));
      const x = filled(c.shape, { seed: 1, shift: c.shift }).requiresGrad_();
      const cotangent = filled(c.shape, { seed: 2 });
      const body = wrap(() => {
        for (const leaf of [x, ...norm.parameters()]) leaf.grad = undefined;
        const y = norm.forward(x);
        backward(sum(mul(y, cotangent)));
        return [y, x.grad as Tensor, ...norm.parameters().map((p) => p.grad as Tensor)];
      });
      const got = body();
      // Around 1000 the inputs themselves have lost three digits: the parity rule for such norms.
      const bound = c.shift ? { absolute: 1e-6, relative: 2e-3 } : parityBound;
      const expected = [c.y, c.dx, ...Object.values(c.grads)];
      for (const [i, name] of ['y', 'dx', ...Object.keys(c.grads)].entries())
        expect(differs(name, await (got[i] as Tensor).read(), expected[i] as number[], bound)).toBe('');
    });
});

/** The norms that keep running statistics, so that evaluation differs from training. */
const withRunning = ['batch', 'batch-group', 'noisy-batch-group', 'layer-batch', 'instance-gated-batch'];

describe('every registered norm', () => {
  it.each(listNorms().map(({ name }) => name))('%s: evaluation', async (name) => {
    const norm = normFactory(name)(8, { device });
    const x = filled([4, 8, 3, 3], { seed: 3, shift: 0.5 });
    const training = await norm.forward(x).read();
    norm.eval();
    const evaluation = await norm.forward(x).read();
    if (withRunning.includes(name)) {
      // After one batch the running mean is a tenth of the batch's.
      expect(differs('', evaluation, training)).not.toBe('');
      const one = filled([1, 8, 3, 3], { seed: 3, shift: 0.5 });
      expect(differs('per image', (await norm.forward(one).read()).slice(0, 72), evaluation.slice(0, 72))).toBe('');
    } else expect(differs('evaluation', evaluation, training)).toBe('');
  });

  it.each(listNorms().map(({ name }) => name))('%s: ResNet-8 gets a finite gradient for every parameter', async (name) => {
    const model = createModel('resnet8', { numClasses: 10, norm: name, device });
    const images = filled([2, 3, 16, 16], { seed: 1 });
    const labels = tensor(Int32Array.of(1, 7), { dtype: 'i32', device });
    backward(crossEntropy(model.forward(images), labels));
    for (const [key, p] of model.namedParameters()) {
      const gradient = await (p.grad as Tensor).read();
      expect(gradient.every(Number.isFinite), key).toBe(true);
    }
    model.dispose();
  });
});

describe('noisy-batch-group', () => {
  const shape = [4, 6, 3, 3];
  /** The gates of a few uses, from y = g · BN + (1 − g) · GN with BN and GN known. */
  async function outputs(seed: number, wrap: (body: () => Tensor) => () => Tensor): Promise<number[][]> {
    const norm = withDefaultGenerator(new Generator(seed), () => normFactory('noisy-batch-group')(6, { device }));
    const x = filled(shape, { seed: 3 });
    const body = wrap(() => norm.forward(x));
    const found: number[][] = [];
    for (let use = 0; use < 3; use++) found.push([...(await body().read())]);
    return found;
  }

  it('every use draws anew, the same eagerly and compiled, and the seed decides', async () => {
    const [first, second, third] = await outputs(1, (body) => body);
    expect(first).not.toEqual(second);
    expect(second).not.toEqual(third);
    const compiled = await outputs(1, (body) => compile(body, { exact: true }));
    for (const [i, values] of [first, second, third].entries())
      expect(differs('compiled', compiled[i] as number[], values as number[])).toBe('');
    expect((await outputs(2, (body) => body))[0]).not.toEqual(first);
  });

  it('in evaluation there is no noise: half of each norm at first', async () => {
    const norm = normFactory('noisy-batch-group')(6, { device });
    const x = filled(shape, { seed: 3 });
    norm.eval();
    const found = await norm.forward(x).read();
    // Running statistics are still 0 and 1.
    const batch = await mul(x, 1 / Math.sqrt(1 + 1e-5)).read();
    const group = await groupNorm(x, { groups: 6 }).read();
    const expected = [...batch].map((v, i) => (v + (group[i] as number)) / 2);
    expect(differs('mean of both', found, expected, parityBound)).toBe('');
  });

  it('its uses are part of a run: from the same step the same noise', async () => {
    const norm = normFactory('noisy-batch-group')(6, { device });
    const x = filled(shape, { seed: 3 });
    const random = norm.modules().find((m): m is RandomModule => m instanceof RandomModule) as RandomModule;
    const first = await norm.forward(x).read();
    expect(random.step).toBe(1);
    random.step = 0;
    expect(await norm.forward(x).read()).toEqual(first);
  });
});

describe('norms in the convolution', () => {
  it('weight: unit directions times g, with a bias and no layer behind', async () => {
    const conv = normConv2d(normFactory('weight'), 3, 4, { kernelSize: 3, bias: false, device });
    expect([...conv.namedParameters()].map(([name]) => name).sort()).toEqual(['bias', 'weight_g', 'weight_v']);
    const w = await conv.effectiveWeight().read();
    const v = await conv.weight.read();
    expect(differs('g = ‖v‖ at first', w, v)).toBe('');
  });

  it('weight standardisation: mean 0 and variance 1 of every output channel', async () => {
    const conv = normConv2d(normFactory('weight-standardised-group'), 3, 4, { kernelSize: 3, device });
    conv.weight.set(parityFill(108, { seed: 4, scale: 2, shift: 0.7 }));
    const w = await conv.effectiveWeight().read();
    for (let out = 0; out < 4; out++) {
      const row = [...w.slice(out * 27, (out + 1) * 27)] as number[];
      const mean = row.reduce((a, b) => a + b, 0) / 27;
      const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / 27;
      expect(mean).toBeCloseTo(0, 5);
      // ε = 1e-5 beside a variance of 1.3.
      expect(variance).toBeCloseTo(1, 4);
    }
  });

  it('weight standardisation: its gradient, against the formula in float64', async () => {
    const conv = normConv2d(normFactory('weight-standardised-group'), 3, 4, { kernelSize: 3, device });
    const [w, c] = [parityFill(108, { seed: 4, scale: 2, shift: 0.7 }), parityFill(108, { seed: 5 })];
    conv.weight.set(w);
    backward(sum(mul(conv.effectiveWeight(), tensor(c, { shape: [4, 3, 3, 3], device }))));
    const expected: number[] = [];
    const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
    for (let out = 0; out < 4; out++) {
      const [row, cotangent] = [[...w.slice(out * 27, (out + 1) * 27)], [...c.slice(out * 27, (out + 1) * 27)]];
      const centre = mean(row);
      const deviation = Math.sqrt(mean(row.map((v) => (v - centre) ** 2)) + 1e-5);
      const normal = row.map((v) => (v - centre) / deviation);
      const along = mean(normal.map((v, i) => v * (cotangent[i] as number)));
      expected.push(...cotangent.map((g, i) => (g - mean(cotangent) - (normal[i] as number) * along) / deviation));
    }
    expect(differs('dw', await (conv.weight.grad as Tensor).read(), expected, parityBound)).toBe('');
  });
});
