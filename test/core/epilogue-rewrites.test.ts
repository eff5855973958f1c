import {
  autocast,
  backward,
  batchNorm,
  type CompileOptions,
  compile,
  conv2d,
  convTranspose2d,
  crossEntropy,
  type Device,
  Generator,
  mul,
  openDevice,
  scope,
  type Tensor,
  tanh,
  tensor,
} from '@initlab/core';
import { BasicBlock, InvertedResidual } from '@initlab/models';
import { AdaptiveAvgPool2d, BatchNorm2d, Conv2d, Flatten, Linear, type Module, normFactory, ReLU, Sequential, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** A CPU driver takes no epilogues by itself; here it runs what a GPU gets, small tiles only, since it compiles the others for minutes. */
let device: Device;
beforeAll(async () => {
  device = await openDevice({ target: { software: false, rolled: true, maxWorkgroupStorage: 8192 } });
});
afterAll(() => device.close());

interface Trained {
  readonly losses: number[];
  readonly state: Map<string, Float32Array>;
  readonly dispatches: number;
  /** Names of ops and kernels. */
  readonly done: string;
}

/** Two residual blocks of a ResNet: one as wide as its input, and one with a convolution in its shortcut. */
function residual(generator: Generator): Module {
  const norm = normFactory('batch');
  const common = { norm, device, generator };
  return new Sequential(
    new Conv2d(3, 8, { kernelSize: 3, padding: 1, bias: false, device, generator }),
    new BatchNorm2d(8, { device }),
    new ReLU(),
    new BasicBlock(8, 8, { ...common, stride: 1 }),
    new BasicBlock(8, 16, { ...common, stride: 2 }),
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(16, 10, { device, generator }),
  );
}

/** The first of its blocks alone: halves have kernels of their own, and each of them compiles for a second. */
function oneBlock(generator: Generator): Module {
  const norm = normFactory('batch');
  return new Sequential(
    new Conv2d(3, 8, { kernelSize: 3, padding: 1, bias: false, device, generator }),
    new BatchNorm2d(8, { device }),
    new ReLU(),
    new BasicBlock(8, 8, { norm, device, generator, stride: 1 }),
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(8, 10, { device, generator }),
  );
}

/** Two blocks of MobileNetV2, one with a residual and one strided. */
function depthwise(generator: Generator): Module {
  const common = { device, generator, norm: normFactory('batch'), expansion: 2 };
  return new Sequential(
    new Conv2d(3, 8, { kernelSize: 3, padding: 1, bias: false, device, generator }),
    new InvertedResidual(8, 8, { ...common, stride: 1 }),
    new InvertedResidual(8, 12, { ...common, stride: 2 }),
    new AdaptiveAvgPool2d(1),
    new Flatten(),
    new Linear(12, 10, { device, generator }),
  );
}

/** Two steps of a net on one batch. */
async function train(options: CompileOptions, make = residual): Promise<Trained> {
  const generator = new Generator(3);
  const net = make(generator);
  const images = tensor(parityFill(4 * 3 * 16 * 16, { seed: 5 }), { shape: [4, 3, 16, 16], format: 'channelsLast', device });
  const labels = tensor(new Int32Array([1, 7, 3, 3]), { dtype: 'i32', device });
  const optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  const step = compile(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(net.forward(images), labels);
      backward(loss);
      optimizer.step();
      return loss;
    },
    { device, ...options },
  );
  const losses: number[] = [];
  for (let i = 0; i < 2; i++) losses.push(await step().item());
  const state = new Map<string, Float32Array>();
  for (const [name, value] of [...net.namedParameters(), ...net.namedBuffers()])
    if (value.dtype === 'f32') state.set(name, Float32Array.from(await value.read()));
  const { dispatches, dispatchFacts } = step.stats();
  const done = dispatchFacts.map(({ op, kernel }) => `${op} ${kernel}`).join('\n');
  for (const part of [step, optimizer, net, images, labels]) part.dispose();
  return { losses, state, dispatches, done };
}

describe('epilogues of products', () => {
  const off = { fuseEpilogue: false, fuseSums: false, packFilters: false, joinWeights: false };

  it('a residual net trains as without them, with fewer passes over memory, and to the same bits run after run', async () => {
    const plain = await train({ rewrites: off });
    const fused = await train({});
    // Other orders of summation in f32, through two steps of a 6-layer net.
    const bound = { absolute: 1e-5, relative: 2e-4 };
    expect(differs('losses', fused.losses, plain.losses, bound)).toBe('');
    for (const [name, value] of plain.state) expect(differs(name, fused.state.get(name) as Float32Array, value, bound)).toBe('');
    for (const part of [
      /reluGrad.* sums-normGrad/,
      /sums-moments/,
      /norm-joined/,
      /norm-grad-joined/,
      /^packFilters/m,
      /^joinWeightGradients/m,
    ])
      expect(fused.done).toMatch(part);
    expect(fused.dispatches).toBeLessThan(plain.dispatches - 15);
    const again = await train({});
    expect(again.losses).toEqual(fused.losses);
    for (const [name, value] of fused.state) expect(again.state.get(name)).toEqual(value);
  }, 300_000);

  it('depthwise convolutions leave sums and take masks too', async () => {
    const plain = await train({ rewrites: { fuseEpilogue: false, fuseSums: false, packFilters: false } }, depthwise);
    const fused = await train({}, depthwise);
    const bound = { absolute: 1e-5, relative: 2e-4 };
    expect(differs('losses', fused.losses, plain.losses, bound)).toBe('');
    for (const [name, value] of plain.state) expect(differs(name, fused.state.get(name) as Float32Array, value, bound)).toBe('');
    expect(fused.done).toMatch(/forward-depthwise.* sums-moments/);
    expect(fused.done).toMatch(/gradInput-depthwise.*relu6Grad.* sums-normGrad/);
    // Filters of both directions are packed with all others.
    expect(fused.done).not.toMatch(/gemm-pack/);
  }, 300_000);

  it('mixed precision trains as f32 does without them', async (context) => {
    if (!device.caps.f16) context.skip();
    const plain = await train({ rewrites: off }, oneBlock);
    const fused = await train({ precision: 'mixed' }, oneBlock);
    // Values between the kernels are halves in one and not in the other, and a ReLU that flips moves single weights.
    const bound = { absolute: 1e-3, relative: 5e-2 };
    expect(differs('losses', fused.losses, plain.losses, bound)).toBe('');
    for (const [name, value] of plain.state) expect(differs(name, fused.state.get(name) as Float32Array, value, bound)).toBe('');
    expect(fused.done).toMatch(/sums-moments/);
  }, 300_000);

  it('moments of convolutions keep their digits at a large mean, and their meaning beyond the squares of f32', async () => {
    const shape = [4, 3, 12, 12];
    const weight = tensor(parityFill(8 * 27, { seed: 8 }), { shape: [8, 3, 3, 3], device });
    for (const [scale, shift] of [
      [1, 1e4],
      [1e20, 0],
      [1e30, 1e30],
    ] as const) {
      const x = tensor(parityFill(4 * 3 * 144, { seed: 7, scale, shift }), { shape, format: 'channelsLast', device });
      const product = conv2d(x, weight);
      const values = [...(await product.read())] as number[];
      const places = 100;
      const wanted = values.map((_, i) => i);
      for (let c = 0; c < 8; c++) {
        const own = values.flatMap((_, i) => (Math.floor(i / places) % 8 === c ? [i] : []));
        const mean = own.reduce((a, i) => a + (values[i] as number), 0) / own.length;
        const deviation = Math.sqrt(own.reduce((a, i) => a + ((values[i] as number) - mean) ** 2, 0) / own.length + 1e-5);
        for (const i of own) wanted[i] = ((values[i] as number) - mean) / deviation;
      }
      // The products' own rounding beside a mean of some 10⁴ is 10⁻³; the tiles of a compiled step may add in another order.
      const bound = { absolute: shift === 1e4 ? 1e-2 : 1e-4, relative: 1e-4 };
      for (const [follows, kernel] of [
        [(y: Tensor) => y, /norm-joined/],
        // Only pointwise ops read it: statistics alone.
        [(y: Tensor) => tanh(mul(y, 0.5)), /norm-stats-merge/],
      ] as const) {
        const step = compile(() => follows(batchNorm(conv2d(x, weight), { training: true })), { device });
        const got = [...(await step().read())] as number[];
        expect(
          step
            .stats()
            .dispatchFacts.map((d) => d.kernel)
            .join(' '),
        ).toMatch(/sums-moments/);
        expect(
          step
            .stats()
            .dispatchFacts.map((d) => d.kernel)
            .join(' '),
        ).toMatch(kernel);
        const plain = got.map((v) => (kernel.source === 'norm-joined' ? v : 2 * Math.atanh(v)));
        expect(differs(`${scale} around ${shift}, ${kernel}`, plain, wanted, bound)).toBe('');
        step.dispose();
      }
    }
  }, 300_000);

  it('a norm behind a transposed convolution, whose phases end in parts of their own', async () => {
    const x = tensor(parityFill(3 * 8 * 5 * 5, { seed: 7, shift: 3 }), { shape: [3, 8, 5, 5], format: 'channelsLast', device });
    for (const [kernel, stride, groups] of [
      [3, 1, 1],
      [3, 2, 1],
      [1, 2, 1],
      [3, 2, 8],
    ] as const) {
      const shape = [8, 8 / groups, kernel, kernel];
      const weight = tensor(parityFill((64 * kernel * kernel) / groups, { seed: 8 }), { shape, device });
      const options = { stride, groups, outputPadding: stride - 1 };
      const normed = (): Tensor => batchNorm(convTranspose2d(x, weight, options), { training: true });
      const step = compile(normed, { device });
      const [got, plain] = [await step().read(), await scope(normed).read()];
      // Sums in f32 in another order.
      expect(differs(`${kernel}×${kernel}, stride ${stride}, ${groups} groups`, got, plain, { absolute: 1e-5, relative: 1e-5 })).toBe('');
      step.dispose();
    }
  });

  it('in mixed precision, sums for the gradient of a norm of floats, whose convolution takes halves', async (context) => {
    if (!device.caps.f16) return context.skip();
    const x = tensor(parityFill(2 * 8 * 4, { seed: 2 }), { shape: [2, 8, 2, 2], device }).requiresGrad_();
    const weight = tensor(parityFill(8 * 8 * 9, { seed: 4 }), { shape: [8, 8, 3, 3], device }).requiresGrad_();
    const cotangent = tensor(parityFill(2 * 8 * 4, { seed: 6 }), { shape: [2, 8, 2, 2], device });
    const body = (): Tensor => {
      x.grad = weight.grad = undefined;
      backward(mul(conv2d(batchNorm(x, { training: true, eps: 0.1 }), weight, { padding: 1 }), cotangent).sum());
      return x.grad as unknown as Tensor;
    };
    const eager = await scope(() => autocast(body)).read();
    const step = compile(body, { device, precision: 'mixed' });
    const found = await step().read();
    // Otherwise it is another test than it says.
    expect(step.stats().variants.join()).toContain('norm-grad-joined');
    // The gradient that the norm gets is rounded to half eagerly, and not where it stays in registers.
    expect(differs('dx', found, eager, { absolute: 1e-3, relative: 2e-3 })).toBe('');
    step.dispose();
  });
});
