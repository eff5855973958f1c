import { autocast, cast, compile, grad, mul, scope, sum, type Tensor, tensor } from '@initlab/core';
import * as nn from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { parityFill } from '../support/parity-fill.js';

defaultDeviceOfTests();

/** Layers whose parameters, which are f32, meet halves. Linear layers and softmax refuse halves. */
const layers: Readonly<Record<string, readonly [shape: readonly number[], make: () => nn.Module]>> = {
  BatchNorm1d: [[8, 3, 4], () => new nn.BatchNorm1d(3)],
  BatchNorm2d: [[4, 3, 2, 4], () => new nn.BatchNorm2d(3, { momentum: null })],
  Conv1d: [[2, 4, 6], () => new nn.Conv1d(4, 3, { kernelSize: 3, padding: 1, paddingMode: 'circular' })],
  ConvTranspose2d: [[2, 4, 3, 3], () => new nn.ConvTranspose2d(4, 3, { kernelSize: 2, dilation: 3, outputPadding: 2 })],
  GroupNorm: [[2, 4, 3, 3], () => new nn.GroupNorm(2, 4)],
  InstanceNorm2d: [[2, 4, 3, 3], () => new nn.InstanceNorm2d(4, { trackRunningStats: true })],
  'LayerNorm of images': [[2, 3, 2, 4], () => new nn.LayerNorm([3, 2, 4])],
  'LayerNorm of rows': [[2, 3, 8], () => new nn.LayerNorm(8)],
  LayerNorm2d: [[2, 6, 2, 3], () => new nn.LayerNorm2d(6)],
  LocalResponseNorm: [[2, 6, 2, 3], () => new nn.LocalResponseNorm(3, { alpha: 0.5 })],
  PReLU: [[2, 3, 4], () => new nn.PReLU({ numParameters: 3 })],
  RMSNorm: [[2, 3, 8], () => new nn.RMSNorm(8)],
  'Upsample, bicubic': [[2, 3, 4, 5], () => new nn.Upsample({ scaleFactor: 1.5, mode: 'bicubic' })],
  'Upsample, area': [[2, 3, 4, 5], () => new nn.Upsample({ size: 3, mode: 'area' })],
  SpectralNormConv2d: [[2, 4, 3, 3], () => new nn.SpectralNormConv2d(4, 3, { kernelSize: 2 }).eval()],
};

/** Result and gradients, those of the parameters in the order of the state dict. */
function derivatives(layer: nn.Module, x: Tensor, forward: () => Tensor): Tensor[] {
  const y = forward();
  const cotangent = tensor(parityFill(y.size, { seed: 2 }), { shape: y.shape });
  return [y, ...grad(sum(mul(cast(y, 'f32'), cotangent)), [x, ...layer.parameters()])];
}

describe.each(['eager', 'compiled'])('a layer takes halves, and its f32 parameters with them: %s', (way) => {
  it.each(Object.entries(layers))('%s', async (_, [shape, make]) => {
    const layer = make();
    for (const [k, p] of layer.parameters().entries()) p.set(parityFill(p.size, { seed: 10 + k, scale: 0.5, shift: 0.1 }));
    const size = shape.reduce((a, b) => a * b, 1);
    const x = tensor(parityFill(size, { seed: 1 }), { shape, requiresGrad: true });
    const wanted = await scope(() => Promise.all(derivatives(layer, x, () => layer.forward(x)).map((t) => t.read())));
    for (const forward of [() => layer.forward(cast(x, 'f16')), () => autocast(() => layer.forward(cast(x, 'f16')))]) {
      const body = (): Tensor[] => derivatives(layer, x, forward);
      const step = way === 'compiled' ? compile(body) : body;
      const got = await scope(() => Promise.all(step().map((t) => t.read())));
      // Halves have eleven digits, and norms divide by a deviation of about a half.
      for (const [i, values] of wanted.entries())
        expect(differs(`value ${i}`, got[i] ?? [], values, { absolute: 1e-3, relative: 1e-2 })).toBe('');
      if ('dispose' in step) step.dispose();
    }
  });
});

it('local response norm takes halves whose squares are none', async () => {
  const values = [300, -200, 400, 1, 2, 500];
  const layer = new nn.LocalResponseNorm(3);
  const x = tensor(values, { shape: [1, 6, 1] });
  const wanted = await layer.forward(x).read();
  expect(differs('halves', await layer.forward(cast(x, 'f16')).read(), wanted, { absolute: 0, relative: 1e-3 })).toBe('');
});
