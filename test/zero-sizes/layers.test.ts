import { backward, compile, type Device, mul, openDevice, scope, setDefaultDevice, sum, zeros } from '@initlab/core';
import * as nn from '@initlab/nn';
import { Module, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectAll, expectUsable, planners, soil } from './run-cases.js';

interface LayerCase {
  readonly make: () => Module;
  /** Size of one sample of the input and of the output. */
  readonly from: readonly number[];
  readonly to: readonly number[];
}

const pixelwise = (make: () => Module, from: readonly number[] = [4, 6, 6]): LayerCase => ({ make, from, to: from });
const conv = (options: Partial<nn.Conv2dLayerOptions>, to: readonly number[]): LayerCase => ({
  make: () => new nn.Conv2d(8, 8, { kernelSize: 3, ...options }),
  from: [8, 6, 6],
  to,
});

/** By the layer's class, and what tells its cases apart. */
const layers: Readonly<Record<string, LayerCase>> = {
  Conv1d: { make: () => new nn.Conv1d(4, 2, { kernelSize: 3, padding: 'same', paddingMode: 'circular' }), from: [4, 6], to: [2, 6] },
  ConvTranspose1d: { make: () => new nn.ConvTranspose1d(4, 2, { kernelSize: 2, stride: 2 }), from: [4, 3], to: [2, 6] },
  // In training every use moves u and v on, as in PyTorch.
  SpectralNormConv2d: { make: () => new nn.SpectralNormConv2d(3, 4, { kernelSize: 3 }).eval(), from: [3, 6, 6], to: [4, 4, 4] },
  SpectralNormLinear: { make: () => new nn.SpectralNormLinear(3, 4).eval(), from: [3], to: [4] },
  Linear: { make: () => new nn.Linear(3, 4), from: [3], to: [4] },
  'Linear without bias, of rank 3': { make: () => new nn.Linear(3, 4, { bias: false }), from: [5, 3], to: [5, 4] },
  Conv2d: conv({}, [8, 4, 4]),
  'Conv2d 1×1': conv({ kernelSize: 1, bias: false }, [8, 6, 6]),
  'Conv2d of a circle': conv({ padding: 1, paddingMode: 'circular' }, [8, 6, 6]),
  'Conv2d strided': conv({ stride: 2, padding: 1 }, [8, 3, 3]),
  'Conv2d dilated': conv({ dilation: 2 }, [8, 2, 2]),
  'Conv2d in groups': conv({ groups: 2 }, [8, 4, 4]),
  'Conv2d depthwise': conv({ groups: 8, padding: 1 }, [8, 6, 6]),
  WeightNormConv2d: { make: () => new nn.WeightNormConv2d(3, 4, { kernelSize: 3 }), from: [3, 6, 6], to: [4, 4, 4] },
  WeightNormLinear: { make: () => new nn.WeightNormLinear(3, 4), from: [3], to: [4] },
  WeightStandardisedConv2d: { make: () => new nn.WeightStandardisedConv2d(3, 4, { kernelSize: 3 }), from: [3, 6, 6], to: [4, 4, 4] },
  BatchNorm2d: pixelwise(() => new nn.BatchNorm2d(4)),
  'BatchNorm2d in evaluation': pixelwise(() => new nn.BatchNorm2d(4).eval()),
  'BatchNorm2d without running statistics': pixelwise(() => new nn.BatchNorm2d(4, { trackRunningStats: false, affine: false })),
  'BatchNorm2d of a matrix': pixelwise(() => new nn.BatchNorm2d(4), [4]),
  GroupNorm: pixelwise(() => new nn.GroupNorm(2, 4)),
  'InstanceNorm2d with running statistics': pixelwise(() => new nn.InstanceNorm2d(4, { trackRunningStats: true })),
  InstanceNorm2d: pixelwise(() => new nn.InstanceNorm2d(4)),
  LayerNorm: pixelwise(() => new nn.LayerNorm([4, 6, 6])),
  'LayerNorm of rows': pixelwise(() => new nn.LayerNorm(4), [3, 4]),
  BatchInstanceNorm: pixelwise(() => new nn.BatchInstanceNorm(4)),
  ChannelAdaptiveNorm: pixelwise(() => new nn.ChannelAdaptiveNorm(4)),
  FilterResponseNorm: pixelwise(() => new nn.FilterResponseNorm(4)),
  GatedGroupNorm: pixelwise(() => new nn.GatedGroupNorm(4)),
  SkipScaledGroupNorm: pixelwise(() => new nn.SkipScaledGroupNorm(4)),
  GroupExciteNorm: pixelwise(() => new nn.GroupExciteNorm(4)),
  InstanceGatedBatchNorm: pixelwise(() => new nn.InstanceGatedBatchNorm(4)),
  LayerBatchNorm: pixelwise(() => new nn.LayerBatchNorm(4)),
  BatchGroupNorm: pixelwise(() => new nn.BatchGroupNorm(4)),
  'BatchGroupNorm in evaluation': pixelwise(() => new nn.BatchGroupNorm(4).eval()),
  NoisyBatchGroupNorm: pixelwise(() => new nn.NoisyBatchGroupNorm(4)),
  SwitchableNorm: pixelwise(() => new nn.SwitchableNorm(4)),
  MaxPool2d: { make: () => new nn.MaxPool2d(2), from: [4, 6, 6], to: [4, 3, 3] },
  AvgPool2d: { make: () => new nn.AvgPool2d(2), from: [4, 6, 6], to: [4, 3, 3] },
  MaxPool1d: { make: () => new nn.MaxPool1d(2), from: [4, 6], to: [4, 3] },
  AvgPool1d: { make: () => new nn.AvgPool1d(2), from: [4, 6], to: [4, 3] },
  AdaptiveAvgPool1d: { make: () => new nn.AdaptiveAvgPool1d(2), from: [4, 6], to: [4, 2] },
  AdaptiveMaxPool1d: { make: () => new nn.AdaptiveMaxPool1d(2), from: [4, 6], to: [4, 2] },
  AdaptiveMaxPool2d: { make: () => new nn.AdaptiveMaxPool2d([2, null]), from: [4, 6, 6], to: [4, 2, 6] },
  AdaptiveAvgPool2d: { make: () => new nn.AdaptiveAvgPool2d(2), from: [4, 6, 6], to: [4, 2, 2] },
  'AdaptiveAvgPool2d to one pixel': { make: () => new nn.AdaptiveAvgPool2d(1), from: [4, 6, 6], to: [4, 1, 1] },
  Dropout: pixelwise(() => new nn.Dropout(0.5)),
  Flatten: { make: () => new nn.Flatten(), from: [4, 6, 6], to: [144] },
  Identity: pixelwise(() => new nn.Identity()),
  Sequential: {
    make: () => new nn.Sequential(new nn.Conv2d(4, 8, { kernelSize: 3 }), new nn.BatchNorm2d(8), new nn.ReLU(), new nn.Flatten()),
    from: [4, 6, 6],
    to: [128],
  },
  ReLU: pixelwise(() => new nn.ReLU()),
  ReLU6: pixelwise(() => new nn.ReLU6()),
  Sigmoid: pixelwise(() => new nn.Sigmoid()),
  Tanh: pixelwise(() => new nn.Tanh()),
  SiLU: pixelwise(() => new nn.SiLU()),
  GELU: pixelwise(() => new nn.GELU()),
  Hardswish: pixelwise(() => new nn.Hardswish()),
  Softplus: pixelwise(() => new nn.Softplus()),
  ELU: pixelwise(() => new nn.ELU()),
  LeakyReLU: pixelwise(() => new nn.LeakyReLU()),
  Mish: pixelwise(() => new nn.Mish()),
  Hardsigmoid: pixelwise(() => new nn.Hardsigmoid()),
  SELU: pixelwise(() => new nn.SELU()),
  GLU: { make: () => new nn.GLU(1), from: [4, 6, 6], to: [2, 6, 6] },
  Softmax: pixelwise(() => new nn.Softmax(1), [4]),
  PReLU: pixelwise(() => new nn.PReLU({ numParameters: 4 })),
  ConvTranspose2d: { make: () => new nn.ConvTranspose2d(4, 2, { kernelSize: 2, stride: 2 }), from: [4, 3, 3], to: [2, 6, 6] },
  Dropout2d: pixelwise(() => new nn.Dropout2d(0.5)),
  DropPath: pixelwise(() => new nn.DropPath(0.5)),
  BatchNorm1d: pixelwise(() => new nn.BatchNorm1d(4), [4, 6]),
  LayerNorm2d: pixelwise(() => new nn.LayerNorm2d(4)),
  RMSNorm: pixelwise(() => new nn.RMSNorm(4), [3, 4]),
  LocalResponseNorm: pixelwise(() => new nn.LocalResponseNorm(3)),
  Upsample: { make: () => new nn.Upsample({ scaleFactor: 2, mode: 'bilinear' }), from: [4, 3, 3], to: [4, 6, 6] },
  PixelShuffle: { make: () => new nn.PixelShuffle(2), from: [4, 3, 3], to: [1, 6, 6] },
};

it('every layer has its case of an empty batch', () => {
  const known = new Set(Object.keys(layers).map((title) => title.split(' ')[0]));
  const isLayer = (value: unknown): boolean => typeof value === 'function' && value.prototype instanceof Module;
  // A ModuleDict has no forward, and averages have that of the model they are given.
  const bases = ['ChannelAffineNorm', 'RandomModule', 'ModuleDict', 'AveragedModel', 'ExponentialMovingAverage'];
  const exported = Object.entries(nn).flatMap(([name, value]) => (isLayer(value) && !bases.includes(name) ? [name] : []));
  expect(exported.filter((name) => !known.has(name))).toEqual([]);
});

describe.each(planners)('an empty batch as planned for %s', (_, target) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ target });
    setDefaultDevice(device);
  });
  afterAll(async () => {
    await expectUsable(device);
    device.close();
  });

  it.each(Object.entries(layers))('%s', async (_, { make, from, to }) => {
    const layer = make();
    const parameters = layer.parameters();
    const optimizer = parameters.length > 0 ? new SGD(parameters, { lr: 0.5, momentum: 0.9 }) : undefined;
    const expectGradients = async (label: string, value: number): Promise<void> => {
      for (const p of parameters) expectAll(label, (await p.grad?.read()) ?? [Number.NaN], value);
    };

    // Garbage where the gradients go, which the first backward does not read.
    for (const p of parameters) p.gradSlot?.set(new Float32Array(p.size).fill(77));
    soil(device);
    const run = () => {
      const x = zeros([0, ...from]).requiresGrad_();
      const y = layer.forward(x);
      backward(sum(y));
      return { y, x: x.grad };
    };
    const states: Float32Array[] = [];
    for (const [, state] of layer.namedBuffers()) states.push((await state.read()) as Float32Array);
    const { y, x } = scope(run);
    // Running statistics are those of the images seen.
    let i = 0;
    for (const [name, state] of layer.namedBuffers()) expect(await state.read(), name).toEqual(states[i++]);
    expect(y.shape).toEqual([0, ...to]);
    expect((await y.read()).length).toBe(0);
    expect(x?.shape).toEqual([0, ...from]);
    await expectGradients('stored', 0);
    // Gradients of other batches stay what they are when an empty one is added.
    for (const p of parameters) p.gradSlot?.set(new Float32Array(p.size).fill(3));
    scope(run);
    await expectGradients('added', 3);

    const step = compile((x) => {
      optimizer?.zeroGrad();
      const y = layer.forward(x);
      if (optimizer) backward(sum(mul(y, y)));
      optimizer?.step();
      return y;
    });
    const [full, none] = [step(zeros([2, ...from])).shape, step(zeros([0, ...from]))];
    expect(full).toEqual([2, ...to]);
    expect(none.shape).toEqual([0, ...to]);
    expect((await none.read()).length).toBe(0);
    await expectGradients('compiled', 0);
    step.dispose();
    optimizer?.dispose();

    const fresh = make();
    for (const p of fresh.parameters()) p.set(new Float32Array(p.size).fill(1));
    const sgd = parameters.length > 0 ? new SGD(fresh.parameters(), { lr: 0.5, momentum: 0.9 }) : undefined;
    const train = compile((x) => {
      sgd?.zeroGrad();
      if (sgd) backward(sum(fresh.forward(x)));
      sgd?.step();
      return fresh.forward(x);
    });
    train(zeros([0, ...from]));
    for (const p of fresh.parameters()) expectAll('unchanged', await p.read(), 1);
    train.dispose();
    sgd?.dispose();
    fresh.dispose();
    layer.dispose();
  });
});
