import { type Device, Generator, InitlabError, ones, openDevice, sum } from '@initlab/core';
import * as nn from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noTensors } from '../support/no-tensors.js';
import { untyped } from '../support/untyped.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

/** What a layer's `forward` refuses, whatever the layer. */
const layers: Readonly<Record<string, () => nn.Module>> = {
  ...Object.fromEntries(
    ([nn.ReLU, nn.ReLU6, nn.Sigmoid, nn.Tanh, nn.SiLU, nn.GELU, nn.Hardswish, nn.Softplus, nn.ELU, nn.LeakyReLU] as const).map((Kind) => [
      Kind.name,
      () => new Kind(),
    ]),
  ),
  Flatten: () => new nn.Flatten(),
  Conv2d: () => new nn.Conv2d(4, 4, { kernelSize: 3, device }),
  Conv1d: () => new nn.Conv1d(4, 4, { kernelSize: 3, device }),
  'Conv1d of a circle': () => new nn.Conv1d(4, 4, { kernelSize: 3, padding: 1, paddingMode: 'circular', device }),
  ConvTranspose1d: () => new nn.ConvTranspose1d(4, 4, { kernelSize: 3, device }),
  SpectralNormConv2d: () => new nn.SpectralNormConv2d(4, 4, { kernelSize: 3, device }),
  SpectralNormLinear: () => new nn.SpectralNormLinear(4, 4, { device }),
  MaxPool1d: () => new nn.MaxPool1d(2),
  AdaptiveAvgPool1d: () => new nn.AdaptiveAvgPool1d(2),
  AdaptiveMaxPool2d: () => new nn.AdaptiveMaxPool2d(2),
  BatchNorm1d: () => new nn.BatchNorm1d(4, { device }),
  'a module with hooks': () => {
    const module = new nn.ReLU();
    nn.registerFullBackwardHook(module, () => undefined);
    return module;
  },
  Linear: () => new nn.Linear(4, 4, { device }),
  Dropout: () => new nn.Dropout(0.5),
  WeightNormConv2d: () => new nn.WeightNormConv2d(4, 4, { kernelSize: 3, device }),
  WeightNormLinear: () => new nn.WeightNormLinear(4, 4, { device }),
  WeightStandardisedConv2d: () => new nn.WeightStandardisedConv2d(4, 4, { kernelSize: 3, device }),
  MaxPool2d: () => new nn.MaxPool2d(2),
  AvgPool2d: () => new nn.AvgPool2d(2),
  AdaptiveAvgPool2d: () => new nn.AdaptiveAvgPool2d(1),
  LayerNorm: () => new nn.LayerNorm([3], { device }),
  Sequential: () => new nn.Sequential(new nn.ReLU(), new nn.Flatten()),
  // Those named here leave out the norm: they pass on what they get.
  ...Object.fromEntries(
    nn
      .listNorms()
      .filter(({ name }) => name !== 'none' && name !== 'weight')
      .map(({ name }) => [`norm ${name}`, () => nn.normFactory(name)(4, { device })]),
  ),
};

function refused(call: () => unknown, what: string): void {
  const failure = ((): unknown => {
    try {
      return call();
    } catch (error) {
      return error;
    }
  })();
  expect(failure, what).toBeInstanceOf(InitlabError);
  expect(String(failure), what).toMatch(/tensor/i);
}

describe('what is no tensor is refused in words', () => {
  it.each(Object.keys(layers))('by %s', (name) => {
    const layer = (layers[name] as () => nn.Module)();
    for (const [what, bad] of noTensors) refused(() => layer.forward(untyped(bad)), what);
    layer.dispose();
  });

  it('by losses', () => {
    const logits = ones([3, 3], { device });
    const labels = ones([3], { device, dtype: 'i32' });
    for (const [what, bad] of noTensors) {
      refused(() => new nn.CrossEntropyLoss({ weight: untyped(bad) }), `weight: ${what}`);
      refused(() => new nn.CrossEntropyLoss().forward(untyped(bad), labels), `logits: ${what}`);
      refused(() => new nn.CrossEntropyLoss().forward(logits, untyped(bad)), `target: ${what}`);
      refused(() => new nn.MSELoss().forward(logits, untyped(bad)), `target of MSELoss: ${what}`);
    }
  });

  it('by strategies that look at a batch', async () => {
    const model = new nn.Sequential(new nn.Conv2d(4, 4, { kernelSize: 3, device }), new nn.ReLU());
    for (const { name, dataDependent } of nn.listInitializers()) {
      if (!dataDependent) continue;
      for (const [what, bad] of noTensors.slice(0, 2)) {
        const made = async (): Promise<void> => {
          await nn
            .findInitializer(name)
            .initialize(model, { arch: 'two layers', numClasses: 4, depth: 1, generator: new Generator(1), batch: untyped(bad) });
        };
        await expect(made(), `${name}: ${what}`).rejects.toBeInstanceOf(InitlabError);
        await expect(made(), `${name}: ${what}`).rejects.toThrow(/tensor/i);
      }
    }
    model.dispose();
  });

  it('by optimisers and a loss scaler', () => {
    const layer = new nn.Linear(4, 4, { device });
    const optimizer = new nn.SGD(layer.parameters(), { lr: 0.1 });
    sum(layer.forward(ones([2, 4], { device }))).backward();
    for (const [what, bad] of noTensors) {
      refused(() => optimizer.step({ lossScale: untyped(bad) }), `step: ${what}`);
      refused(() => optimizer.clipGradNorm(1, { lossScale: untyped(bad) }), `clipGradNorm: ${what}`);
      expect(() => new nn.SGD(untyped([bad]), { lr: 0.1 }), `SGD: ${what}`).toThrow(InitlabError);
      refused(() => new nn.LossScaler({ device }).scale(untyped(bad)), `scale: ${what}`);
    }
    optimizer.dispose();
    layer.dispose();
  });
});
