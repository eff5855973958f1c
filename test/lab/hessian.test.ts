import { backward, compile, crossEntropy, type Device, flatten, Generator, openDevice, type Tensor, tanh } from '@initlab/core';
import { limitDataset, ResidentDataset, sequentialOrder } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { AvgPool2d, BatchNorm2d, Conv2d, Dropout, Linear, Module } from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HessianProduct, lanczos, powerIteration, tridiagonalEigenvalues } from '../../packages/lab/src/hessian/index.js';
import { initlab } from '../support/cli.js';
import { differs } from '../support/close.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const diagonal = (values: readonly number[]) => async (v: Float64Array) => v.map((x, i) => x * (values[i] as number));
const random = (size: number, seed = 3): Float64Array => {
  const generator = new Generator(seed);
  return Float64Array.from({ length: size }, () => generator.normal());
};

it('eigenvalues of a tridiagonal matrix: −1, 2, −1 has 2 − 2 cos(kπ/(n+1))', () => {
  const n = 30;
  const found = tridiagonalEigenvalues(new Array<number>(n).fill(2), new Array<number>(n - 1).fill(-1));
  const wanted = Array.from({ length: n }, (_, k) => 2 - 2 * Math.cos(((n - k) * Math.PI) / (n + 1)));
  expect(differs('eigenvalues', found, wanted, { absolute: 1e-13, relative: 0 })).toBe('');
});

it('Lanczos finds both ends of a known spectrum, and stops where the space is used up', async () => {
  const values = Array.from({ length: 200 }, (_, i) => i / 10).concat([40, 30, -25]);
  const found = await lanczos(diagonal(values), { start: random(values.length), top: 3, iterations: 100, tolerance: 1e-10 });
  expect(found.converged).toBe(true);
  expect(differs('largest', found.largest, [40, 30, 19.9], { absolute: 1e-6, relative: 0 })).toBe('');
  expect(found.smallest).toBeCloseTo(-25, 6);
  const few = await lanczos(diagonal([5, 5, 2, 2, 2]), { start: random(5), top: 2, iterations: 100 });
  expect(few).toMatchObject({ iterations: 2, converged: true });
  expect(differs('of two', few.largest, [5, 2], { absolute: 1e-10, relative: 0 })).toBe('');
});

it('power iteration takes the signed value of the largest magnitude', async () => {
  const values = await powerIteration(diagonal([1, -7, 3]), { start: random(3), iterations: 60 });
  expect(values).toHaveLength(60);
  expect(values.at(-1)).toBeCloseTo(-7, 8);
});

it('a product that is not finite is neither 0 nor converged', async () => {
  const broken = async (v: Float64Array): Promise<Float64Array> => v.map((x, i) => (i === 1 ? Number.NaN : x));
  expect(await powerIteration(broken, { start: random(3), iterations: 5 })).toEqual([Number.NaN]);
  expect(await powerIteration(async (v) => v.map(() => Number.NaN), { start: random(3), iterations: 5 })).toEqual([Number.NaN]);
  const found = await lanczos(broken, { start: random(3), top: 1, iterations: 5 });
  expect(found).toMatchObject({ converged: false, largest: [Number.NaN] });
});

/** Smooth, so that differences of gradients converge; batch norm's statistics depend on the whole batch. */
class Smooth extends Module {
  pool = new AvgPool2d(8);
  conv: Conv2d;
  norm: BatchNorm2d;
  dropout = new Dropout(0.5);
  fc: Linear;
  constructor(generator: Generator) {
    super();
    this.conv = new Conv2d(1, 2, { kernelSize: 3, padding: 1, device, generator });
    this.norm = new BatchNorm2d(2, { device });
    this.fc = new Linear(2 * 16, 10, { device, generator });
  }
  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.dropout.forward(flatten(tanh(this.norm.forward(this.conv.forward(this.pool.forward(x)))))));
  }
}

it('products and the largest eigenvalue agree with the dense Hessian from differences of gradients', async () => {
  const dataset = limitDataset(await loadDataset('fashion-mnist-sample'), { train: 12, test: 1 });
  const images = new ResidentDataset(dataset, dataset.train, { size: 32, channels: 1, device });
  const model = new Smooth(new Generator(1));
  const batches = [sequentialOrder(8), sequentialOrder(12).slice(8)];
  const product = new HessianProduct({ model, images, device });
  const parameters = [...model.parameters()];
  const gradient = compile(
    (index: Tensor) => {
      for (const p of parameters) p.grad = undefined;
      const batch = images.batch(index);
      backward(crossEntropy(model.forward(batch.images), batch.labels));
      return parameters.map((p) => p.grad as Tensor);
    },
    { device },
  );
  /** The mean gradient over all images, batch by batch as the products are. */
  const slope = async (): Promise<Float64Array> => {
    const mean = new Float64Array(product.size);
    for (const batch of batches) {
      const parts = await Promise.all(gradient(batch).map((g) => g.read()));
      parts
        .flatMap((part) => [...part])
        .forEach((g, i) => {
          mean[i] = (mean[i] as number) + (Number(g) * batch.length) / 12;
        });
    }
    return mean;
  };
  const step = 1e-2;
  const dense: Float64Array[] = [];
  for (const p of parameters) {
    const values = Float32Array.from(await p.read());
    for (let i = 0; i < p.size; i++) {
      const moved = async (by: number): Promise<Float64Array> => {
        p.set(values.map((v, k) => (k === i ? v + by : v)));
        return slope();
      };
      const [up, down] = [await moved(step), await moved(-step)];
      dense.push(up.map((v, k) => (v - (down[k] as number)) / (2 * step)));
    }
    p.set(values);
  }
  const denseTimes = (v: Float64Array): Float64Array =>
    dense.map((row) => row.reduce((total, h, k) => total + h * (v[k] as number), 0)) as unknown as Float64Array;
  const v = random(product.size);
  const exact = await product.times(v, batches);
  // Third derivatives times 1e-4, and f32's rounding of gradients over 2e-2.
  expect(differs('product', [...exact], [...denseTimes(v)], { absolute: 0, relative: 5e-3 })).toBe('');
  const found = await lanczos((w) => product.times(w, batches), { start: v, top: 1, iterations: 100 });
  const wanted = await lanczos(async (w) => Float64Array.from(denseTimes(w)), { start: v, top: 1, iterations: 100 });
  expect(found.converged).toBe(true);
  expect(Math.abs((found.largest[0] as number) / (wanted.largest[0] as number) - 1)).toBeLessThan(5e-3);
  for (const part of [product, model, images, gradient]) part.dispose();
}, 300_000);

it('on the command line, as in the paper and properly', async () => {
  const net = ['hessian', '--arch', 'mlp2-16', '--dataset', 'fashion-mnist-sample', '--limit', '64', '--batch', '16', '--json'];
  const proper = await initlab([...net, '--top', '2']);
  expect(proper.status, proper.stderr).toBe(0);
  const [first, second] = JSON.parse(proper.stdout).eigenvalues as [number, number];
  expect(first).toBeGreaterThanOrEqual(second);
  const paper = await initlab([...net, '--paper', '--iterations', '5']);
  expect(JSON.parse(paper.stdout)).toMatchObject({ method: 'power iteration', iterations: 5, eigenvalues: [expect.any(Number)] });
}, 300_000);
