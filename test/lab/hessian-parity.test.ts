import { readFileSync } from 'node:fs';
import { add, type Device, openDevice, relu, relu6, type Tensor } from '@initlab/core';
import { ResidentDataset } from '@initlab/data';
import { AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, Module } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HessianProduct, lanczos } from '../../packages/lab/src/hessian/index.js';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** Made by test/parity/parity_hessian.py: dense Hessians of the same nets in PyTorch, float64. */
interface NetParity {
  readonly name: string;
  readonly parameters: number;
  readonly product: readonly number[];
  readonly largest: readonly number[];
  readonly smallest: number;
}
const { nets } = JSON.parse(readFileSync(new URL('../parity/hessian.json', import.meta.url), 'utf8')) as { nets: NetParity[] };

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const conv = (inputs: number, outputs: number, { k = 3, stride = 1, groups = 1 } = {}): Conv2d =>
  new Conv2d(inputs, outputs, { kernelSize: k, stride, padding: Math.floor(k / 2), groups, bias: false, device });
const norm = (): BatchNorm2d => new BatchNorm2d(4, { device });

/** A net of four features; `parts` in PyTorch's order. */
class Net extends Module {
  readonly parts: readonly Module[];
  readonly pool = new AdaptiveAvgPool2d(1);
  readonly flatten = new Flatten();
  readonly fc = new Linear(4, 3, { device });
  constructor(
    parts: readonly Module[],
    private readonly features: (x: Tensor, parts: readonly Module[]) => Tensor,
  ) {
    super();
    this.parts = parts;
  }
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.flatten.forward(this.pool.forward(this.features(x, this.parts))));
  }
}

const through = (x: Tensor, ...steps: readonly ((x: Tensor) => Tensor)[]): Tensor => steps.reduce((y, step) => step(y), x);
const of = (module: Module | undefined) => (x: Tensor) => (module as Module).forward(x);

const made: Readonly<Record<string, () => Net>> = {
  plain: () => new Net([conv(2, 4), norm(), conv(4, 4)], (x, [a, b, c]) => through(x, of(a), of(b), relu, of(c), relu)),
  strided: () =>
    new Net([conv(2, 4, { stride: 2 }), norm(), conv(4, 4, { stride: 2 }), norm()], (x, [a, b, c, d]) =>
      through(x, of(a), of(b), relu, of(c), of(d), relu),
    ),
  depthwise: () =>
    new Net([conv(2, 4, { k: 1 }), norm(), conv(4, 4, { stride: 2, groups: 4 }), norm(), conv(4, 4, { k: 1 })], (x, [a, b, c, d, e]) =>
      through(x, of(a), of(b), relu6, of(c), of(d), relu6, of(e)),
    ),
  residual: () =>
    new Net([conv(2, 4, { stride: 2 }), norm(), conv(4, 4), norm(), conv(2, 4, { k: 1, stride: 2 }), norm()], (x, [a, b, c, d, short, e]) =>
      relu(add(through(x, of(a), of(b), relu, of(c), of(d)), through(x, of(short), of(e)))),
    ),
};

/** The fills that parity_hessian.py describes. */
function fillNet(net: Net): void {
  for (const [k, [name, p]] of [...net.namedParameters()].entries()) {
    const [scale, shift] =
      p.ndim > 1 ? [Math.sqrt(6 / (p.size / (p.shape[0] as number))), 0] : name.endsWith('weight') ? [0.3, 1] : [0.2, 0];
    p.set(parityFill(p.size, { seed: 10 + k, scale, shift }));
  }
}

const [count, bytes] = [6, 2 * 8 * 8];
const uniform = parityFill(count * bytes, { seed: 1, scale: 0.5, shift: 0.5 });
const split = {
  images: Uint8Array.from(uniform, (u) => Math.floor(256 * u)),
  labels: Uint8Array.from({ length: count }, (_, i) => i % 3),
  count,
};
const facts = {
  name: 'bytes of the fill',
  classes: ['a', 'b', 'c'],
  channels: 2,
  height: 8,
  width: 8,
  mean: [0.5, 0.5],
  std: [0.25, 0.25],
  origin: 'this test',
};

describe('the Hessian of the loss, beside PyTorch’s in float64', () => {
  it.each(nets)('$name: product and both ends of the spectrum', async ({ name, parameters, product, largest, smallest }) => {
    const model = (made[name] as () => Net)();
    fillNet(model);
    const images = new ResidentDataset(facts, split, { device });
    const hessian = new HessianProduct({ model, images, device });
    expect(hessian.size).toBe(parameters);
    const batches = [Int32Array.from({ length: count }, (_, i) => i)];
    const v = Float64Array.from(parityFill(parameters, { seed: 3 }));
    // Two passes through f32: their roundings, beside the largest of the product.
    const bound = { absolute: 0, relative: 2e-5 };
    expect(differs('product', [...(await hessian.times(v, batches))], [...product], bound)).toBe('');
    const found = await lanczos((w) => hessian.times(w, batches), { start: v, top: 3, iterations: parameters, tolerance: 1e-6 });
    expect(differs('largest', found.largest, [...largest], { absolute: 0, relative: 1e-4 })).toBe('');
    expect(Math.abs((found.smallest as number) / smallest - 1)).toBeLessThan(1e-4);
    for (const part of [hessian, model, images]) part.dispose();
  });
});
