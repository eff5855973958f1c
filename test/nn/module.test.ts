import { inspect } from 'node:util';
import { backward, compile, type Device, Generator, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import {
  AdaptiveAvgPool2d,
  AvgPool2d,
  BatchNorm2d,
  Conv2d,
  Dropout,
  FilterResponseNorm,
  GroupNorm,
  LayerNorm,
  LeakyReLU,
  Linear,
  MaxPool2d,
  type Module,
  ReLU,
  Sequential,
  SGD,
  WeightNormLinear,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())];

describe('a compiled function', () => {
  it('follows train() and eval() as eager does, recording each once', async () => {
    const net = new Sequential(new BatchNorm2d(2, { device }), new Dropout(0.5));
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], { shape: [1, 2, 2, 2], device });
    let recordings = 0;
    const step = compile(
      (input) => {
        recordings++;
        return net.forward(input);
      },
      { device },
    );
    const zeros = async (): Promise<number> => (await numbers(step(x))).filter((v) => v === 0).length;
    let dropped = 0;
    for (let i = 0; i < 8; i++) dropped += await zeros();
    expect(dropped).toBeGreaterThan(0);
    net.eval();
    expect(await numbers(step(x))).toEqual(await numbers(net.forward(x)));
    expect(recordings).toBe(2);
    const before = await numbers((net.layers[0] as BatchNorm2d).runningMean as Tensor);
    net.train();
    expect(await zeros()).toBeLessThan(8);
    expect(await numbers((net.layers[0] as BatchNorm2d).runningMean as Tensor)).not.toEqual(before);
    net.eval();
    expect(await zeros()).toBe(0);
    expect(recordings).toBe(2);
  });

  it('follows a mode set inside it, without recording at every call', async () => {
    const net = new Dropout(0.5);
    let recordings = 0;
    const step = compile(
      (x) => {
        recordings++;
        net.eval();
        const y = net.forward(x);
        net.train();
        return y.add(new Dropout(0.5, { generator: new Generator(1) }).eval().forward(x));
      },
      { device },
    );
    for (let i = 0; i < 4; i++) expect(await step(1).item()).toBe(2);
    // The second knows that the layer is made at every call.
    expect(recordings).toBe(2);
  });

  it('stops learning a parameter that was frozen after a step', async () => {
    const net = new Linear(2, 1, { device, bias: false });
    const optimizer = new SGD(net.parameters(), { lr: 0.01 });
    const step = compile(
      (x) => {
        optimizer.zeroGrad();
        const loss = net.forward(x).square().sum();
        if (loss.requiresGrad) backward(loss);
        optimizer.step();
        return loss;
      },
      { device },
    );
    const x = tensor([[1, 2]], { device });
    const start = await numbers(net.weight);
    step(x);
    const moved = await numbers(net.weight);
    expect(moved).not.toEqual(start);
    net.weight.requiresGrad_(false);
    step(x);
    expect(await numbers(net.weight)).toEqual(moved);
    net.weight.requiresGrad_();
    step(x);
    expect(await numbers(net.weight)).not.toEqual(moved);
  });
});

describe('dispose', () => {
  it('gives everything back, what is no saved state too', () => {
    const before = device.memory.liveBytes;
    const net = new Sequential(new Linear(2, 2, { device }), new Sequential(new Dropout(0.5)));
    const x = tensor([[1, 2]], { device });
    scope(() => void net.forward(x));
    x.dispose();
    net.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });
});

describe('printing', () => {
  it('shows the tree of a module and what a tensor is, not the device', () => {
    const net = new Sequential(new Conv2d(1, 2, { kernelSize: 3, device }), new Sequential(new ReLU()));
    const tree = 'Sequential(\n  (0): Conv2d(1, 2, kernelSize=3)\n  (1): Sequential(\n    (0): ReLU()\n  )\n)';
    expect(`${net}`).toBe(tree);
    expect(inspect(net)).toBe(tree);
    const { weight } = net.layers[0] as Conv2d;
    expect(inspect([weight])).toBe(`[ Parameter(shape=[2, 1, 3, 3], f32, rowMajor, ${device.label}, requiresGrad) ]`);
    const x = tensor([1, 2], { device });
    expect(JSON.stringify({ x })).toBe(`{"x":{"shape":[2],"dtype":"f32","device":"${device.label}"}}`);
    x.dispose();
    expect(inspect(x)).toBe(`Tensor(shape=[2], f32, rowMajor, ${device.label}, disposed)`);
  });

  it('shows the sizes of layers, and options that are not the defaults', () => {
    const wide = { kernelSize: [3, 5], stride: 2, padding: 1, groups: 4, bias: false, device } as const;
    const shown: readonly [Module, string][] = [
      [new Conv2d(3, 16, { kernelSize: 3, padding: 1, device }), 'Conv2d(3, 16, kernelSize=3, padding=1)'],
      [new Conv2d(4, 8, wide), 'Conv2d(4, 8, kernelSize=[3, 5], stride=2, padding=1, groups=4, bias=false)'],
      [new Linear(64, 10, { device }), 'Linear(64, 10)'],
      [new WeightNormLinear(64, 10, { bias: false, device }), 'WeightNormLinear(64, 10, bias=false)'],
      [new BatchNorm2d(16, { momentum: null, device }), 'BatchNorm2d(16, momentum=null)'],
      [new GroupNorm(4, 16, { eps: 0.001, device }), 'GroupNorm(4, 16, eps=0.001)'],
      [new LayerNorm([4, 4], { affine: false, device }), 'LayerNorm([4, 4], affine=false)'],
      [new LayerNorm([16], { device }), 'LayerNorm([16])'],
      [new MaxPool2d(3, { stride: 2, padding: 1 }), 'MaxPool2d(3, stride=2, padding=1)'],
      [new AvgPool2d([2, 4]), 'AvgPool2d([2, 4])'],
      [new AdaptiveAvgPool2d(1), 'AdaptiveAvgPool2d(1)'],
      [new Dropout(0.25), 'Dropout(0.25)'],
      [new LeakyReLU(), 'LeakyReLU(0.01)'],
      [new FilterResponseNorm(8, { device }), 'FilterResponseNorm(8)'],
    ];
    for (const [layer, text] of shown) expect(String(layer)).toBe(text);
    class Own extends Sequential {
      override extraRepr(): string {
        return 'of mine';
      }
    }
    expect(String(new Own(new ReLU()))).toBe('Own(\n  of mine\n  (0): ReLU()\n)');
  });
});
