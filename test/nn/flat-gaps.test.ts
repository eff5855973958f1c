import { backward, compile, crossEntropy, type Device, full, openDevice, scope, type Tensor, tensor } from '@initlab/core';
import { BatchNorm2d, Conv2d, GroupNorm, Linear, Module, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { parityFill } from '../support/parity-fill.js';

/** Parameters whose sizes are no multiples of four: 135, 5, 45, 5, 25, 5, 15, 3. */
class Odd extends Module {
  readonly conv: Conv2d;
  readonly bn: BatchNorm2d;
  readonly depthwise: Conv2d;
  readonly gn: GroupNorm;
  readonly pointwise: Conv2d;
  readonly fc: Linear;
  constructor(device: Device) {
    super();
    this.conv = new Conv2d(3, 5, { kernelSize: 3, padding: 1, device });
    this.bn = new BatchNorm2d(5, { device });
    this.depthwise = new Conv2d(5, 5, { kernelSize: 3, padding: 1, groups: 5, device });
    this.gn = new GroupNorm(1, 5, { device });
    this.pointwise = new Conv2d(5, 5, { kernelSize: 1, device });
    this.fc = new Linear(5, 3, { device });
  }
  override forward(x: Tensor): Tensor {
    const y = this.bn.forward(this.conv.forward(x)).relu();
    const z = this.pointwise.forward(this.gn.forward(this.depthwise.forward(y)).relu());
    return this.fc.forward(z.mean({ dims: [2, 3] }));
  }
}

describe.each([
  ['a CPU driver', {}],
  ['a GPU', { software: false, rolled: true, maxWorkgroupStorage: 8192 }],
])('gaps between parameters as planned for %s', (_, target) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ target });
  });
  afterAll(() => device.close());

  it.each(['eager', 'compiled', 'compiled, added up'])('hold zeros, whatever the memory held before: %s', async (way) => {
    // What the pool hands out from here on holds NaN.
    scope(() => {
      for (let size = 64; size < 65536; size *= 2) for (let k = 0; k < 12; k++) full([size], Number.NaN, { device });
    });
    const model = new Odd(device);
    const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
    const x = tensor(parityFill(2 * 3 * 5 * 5, { seed: 1 }), { shape: [2, 3, 5, 5], device });
    const labels = tensor(Int32Array.of(0, 2), { device });
    const backwards = way === 'compiled, added up' ? 2 : 1;
    const body = (): Tensor => {
      optimizer.zeroGrad();
      for (let k = 0; k < backwards; k++) backward(crossEntropy(model.forward(x), labels));
      return optimizer.clipGradNorm(1e9);
    };
    const step = way === 'eager' ? () => scope(body) : compile(body, { device });
    for (let k = 0; k < 2; k++) {
      const norm = await step().item();
      let squares = 0;
      for (const p of model.parameters()) for (const g of (await p.grad?.read()) ?? []) squares += g * g;
      expect(differs('norm', [norm], [Math.sqrt(squares)])).toBe('');
    }
    const [flat] = optimizer.flatGradients() as [Tensor];
    const all = await flat.read();
    let [at, inGaps] = [0, 0];
    for (const p of model.parameters()) {
      const next = Math.ceil((at + p.size) / 64) * 64;
      for (const g of all.subarray(at + p.size, next)) inGaps += Object.is(g, 0) ? 0 : 1;
      at = next;
    }
    expect([at, inGaps]).toEqual([all.length, 0]);
    optimizer.dispose();
    model.dispose();
  });
});
