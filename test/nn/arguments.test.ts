import { sum, tensor, zeros } from '@initlab/core';
import { createModel, type ResNetCifar, registerModel } from '@initlab/models';
import {
  Adam,
  AvgPool2d,
  BatchNorm2d,
  Conv1d,
  Conv2d,
  CrossEntropyLoss,
  cosineLr,
  Dropout,
  findInitializer,
  GatedGroupNorm,
  GroupNorm,
  kaimingNormal_,
  LayerNorm,
  Linear,
  LossScaler,
  MaxPool2d,
  normal_,
  normFactory,
  Parameter,
  ReLU,
  registerInitializer,
  registerNorm,
  Sequential,
  SGD,
  SpectralNormLinear,
  stepLr,
  uniform_,
} from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

defaultDeviceOfTests();

describe('what is misspelt or spelt as in PyTorch is refused with what would work', () => {
  it.each<[string, () => unknown, RegExp]>([
    [
      'a kernel size alone',
      () => new Conv2d(3, 8, untyped(3)),
      /Conv2d: options come as an object, \{ kernelSize: … \}, got 3; its options are kernelSize, stride/,
    ],
    ['no options', () => new Conv2d(3, 8, untyped(undefined)), /Conv2d: options come as an object.*got undefined/],
    [
      'an option shortened',
      () => new Conv2d(3, 8, untyped({ kernelSize: 3, pad: 1 })),
      /Conv2d: there is no option pad; did you mean padding\?/,
    ],
    ['snake case', () => new Conv2d(3, 8, untyped({ kernel_size: 3 })), /there is no option kernel_size; did you mean kernelSize\?/],
    [
      'an option nothing is near',
      () => new Linear(3, 8, untyped({ activation: 1 })),
      /Linear: there is no option activation; its options are bias, device, generator/,
    ],
    ['no kernel size', () => new Conv2d(3, 8, untyped({})), /Conv2d: kernelSize is undefined; give a whole number from 1/],
    ['no channels', () => new Conv2d(3, 0, { kernelSize: 3 }), /Conv2d: outChannels is 0; give a whole number from 1/],
    ['half a stride', () => new Conv2d(3, 8, { kernelSize: 3, stride: 0.5 }), /stride is 0\.5; give a whole number from 1/],
    ['padding of a kind unknown', () => new Conv2d(3, 8, { kernelSize: 3, padding: untyped('full') }), /padding is full/],
    ['same with a stride', () => new Conv2d(3, 8, { kernelSize: 3, stride: 2, padding: 'same' }), /"same" needs a stride of 1, got 2, 2/],
    [
      'a mode of padding',
      () => new Conv2d(3, 8, { kernelSize: 3, paddingMode: untyped('reflected') }),
      /Conv2d: paddingMode reflected is unknown; it is zeros, reflect, replicate, circular/,
    ],
    ['padding of a kind unknown, of rows', () => new Conv1d(3, 8, { kernelSize: 3, padding: untyped('full') }), /padding is full; give/],
    [
      'same with a stride, of rows',
      () => new Conv1d(3, 8, { kernelSize: 3, stride: 2, padding: 'same' }),
      /"same" needs a stride of 1, got 2/,
    ],
    ['a divisor of 0', () => new AvgPool2d(2, { divisorOverride: 0 }), /divisorOverride is 0; give another number/],
    [
      'options of another layer',
      () => new SpectralNormLinear(3, 8, untyped({ powerIterations: 2 })),
      /Linear: there is no option powerIterations/,
    ],
    ['features of 0', () => new Linear(0, 3), /Linear: inFeatures is 0/],
    ['a stride by position', () => new MaxPool2d(2, untyped(2)), /MaxPool2d: options come as an object, \{ stride: … \}, got 2/],
    ['pool options', () => new AvgPool2d(2, untyped({ count_include_pad: false })), /did you mean countIncludePad\?/],
    ['eps by position', () => new BatchNorm2d(4, untyped(1e-5)), /BatchNorm2d: options come as an object/],
    [
      'track_running_stats',
      () => new BatchNorm2d(4, untyped({ track_running_stats: false })),
      /no option track_running_stats; did you mean trackRunningStats\?/,
    ],
    ['momentum of a norm without', () => new GroupNorm(2, 4, untyped({ momentum: 0.1 })), /GroupNorm: there is no option momentum/],
    [
      'elementwise_affine',
      () => new LayerNorm(4, untyped({ elementwise_affine: false })),
      /LayerNorm: there is no option elementwise_affine/,
    ],
    ['options of a norm of operations', () => new GatedGroupNorm(4, untyped({ eps: 1 })), /GatedGroupNorm: there is no option eps/],
    ['a probability above 1', () => new Dropout(50), /Dropout: p is 50/],
    ['inplace', () => new Dropout(0.5, untyped({ inplace: true })), /Dropout: there is no option inplace; its options are generator/],
    ['label_smoothing', () => new CrossEntropyLoss(untyped({ label_smoothing: 0.1 })), /did you mean labelSmoothing\?/],
    ['a parameter’s fill', () => new Parameter([2], untyped({ fill: 1 })), /Parameter: there is no option fill/],
    [
      'an array of layers',
      () => new Sequential(untyped([new ReLU()])),
      /Sequential: takes its modules one by one: new Sequential\(\.\.\.layers\)/,
    ],
    [
      'a function as a layer',
      () => new Sequential(new ReLU(), untyped(sum)),
      /layer 1 is the function sum; give a Module such as new ReLU\(\)/,
    ],
    ['undefined as a layer', () => new Sequential(untyped(undefined)), /layer 0 is no Module but undefined/],
    [
      'weight_decay',
      () => new SGD([new Parameter([1])], untyped({ lr: 1, weight_decay: 0.1 })),
      /SGD: there is no option weight_decay; did you mean weightDecay\?/,
    ],
    [
      'foreach',
      () => new Adam([new Parameter([1])], untyped({ foreach: true })),
      /Adam: there is no option foreach; its options are lr, betas, eps, weightDecay, amsgrad, maximize/,
    ],
    ['a rate by position', () => new SGD([new Parameter([1])], untyped(0.1)), /SGD: options come as an object, \{ lr: … \}, got 0\.1/],
    [
      'a rate of a group',
      () => new SGD([{ params: [new Parameter([1])], lr: -1 }], { lr: 1 }),
      /optimizer group 0: lr is -1; give a number from 0/,
    ],
    [
      'decay of a group',
      () => new SGD(untyped([{ params: [new Parameter([1])], weight_decay: 1 }]), { lr: 1 }),
      /optimizer group 0: there is no option weight_decay; did you mean weightDecay/,
    ],
    [
      'a model',
      () => new SGD(untyped(new Linear(1, 1)), { lr: 1 }),
      /takes a list of parameters, got a Module; give model\.parameters\(\)/,
    ],
    [
      'named parameters',
      () => new SGD(untyped(new Linear(1, 1).namedParameters()), { lr: 1 }),
      /takes a list of parameters, got .*; give model\.parameters\(\)/,
    ],
    [
      'a list of them',
      () => new SGD(untyped([...new Linear(1, 1).namedParameters()]), { lr: 1 }),
      /takes tensors, got names with tensors in group 0/,
    ],
    ['a list of models', () => new SGD(untyped([new Linear(1, 1)]), { lr: 1 }), /takes tensors, got a Module in group 0/],
    ['init_scale', () => new LossScaler(untyped({ init_scale: 2 })), /LossScaler: there is no option init_scale/],
    ['step_size', () => stepLr(1, untyped({ step_size: 2 })), /stepLr: there is no option step_size; did you mean stepSize\?/],
    ['no step size', () => stepLr(1, untyped({})), /stepLr: stepSize is undefined/],
    [
      'an optimiser for a rate',
      () => stepLr(untyped(new SGD([new Parameter([1])], { lr: 1 })), { stepSize: 2 }),
      /stepLr: baseLr is SGD; give a number from 0/,
    ],
    ['T_max', () => cosineLr(1, untyped({ T_max: 2 })), /cosineLr: there is no option T_max; did you mean tMax\?/],
    [
      'a deviation by position',
      () => normal_(new Parameter([1]), untyped(0.02)),
      /normal_: options come as an object, \{ mean: … \}, got 0\.02/,
    ],
    ['low', () => uniform_(new Parameter([1]), untyped({ low: 0 })), /uniform_: there is no option low; its options are a, b, generator/],
    ['fan_mode', () => kaimingNormal_(new Parameter([1, 1]), untyped({ fan_mode: 1 })), /kaiming: there is no option fan_mode/],
    [
      'num_classes',
      () => createModel('resnet20', untyped({ num_classes: 100 })),
      /createModel: there is no option num_classes; did you mean numClasses\?/,
    ],
  ])('%s', (_, make, message) => {
    expect(make).toThrow(message);
  });
});

describe('names', () => {
  it.each<[string, () => unknown, RegExp]>([
    ['a norm', () => normFactory('batchnorm'), /no norm "batchnorm"; did you mean "batch"\? known are batch, group/],
    ['a norm nothing is near', () => normFactory('spectral'), /no norm "spectral"; known are batch/],
    ['an initialisation', () => findInitializer('kaiming_fan_in'), /no initialisation "kaiming_fan_in"; did you mean "kaiming-fan-in"\?/],
    ['a model', () => createModel('resnet-20'), /no model "resnet-20"; did you mean "resnet20"\? known are/],
    ['a depth between', () => createModel('resnet21'), /no resnet21: such nets have 6n \+ 2 layers; nearest are resnet20 and resnet26/],
    [
      "a depth of ImageNet's",
      () => createModel('resnet50'),
      /resnet50 is ImageNet's net elsewhere, which is imagenet-resnet50 here; cifar-resnet50 makes the CIFAR net/,
    ],
    ['another', () => createModel('resnet18'), /resnet18 is ImageNet's.*the nearest CIFAR nets are resnet14 and resnet20/],
    ['and the next', () => createModel('resnet101'), /the nearest CIFAR nets are resnet98 and resnet104/],
    ['a depth near one', () => createModel('resnet53'), /nearest are cifar-resnet50 and resnet56/],
    [
      'no CIFAR depth',
      () => createModel('cifar-resnet51'),
      /there is no resnet51: such nets have 6n \+ 2 layers; nearest are cifar-resnet50 and resnet56/,
    ],
    ['more layers than can be', () => createModel('resnet999998'), /resnet999998: depth 999998 is more than the 10000 layers/],
    ['more layers than can be', () => createModel('mlp200000-8'), /depth 200000 is more than the 10000 layers/],
    ['a depth below', () => createModel('fixup-resnet5'), /no fixup-resnet5: .*nearest is fixup-resnet8/],
    ['a wide one', () => createModel('wrn17-2'), /6n \+ 4 layers; nearest are wrn16-2 and wrn22-2/],
    [
      'a plain one',
      () => createModel('plain-resnet21'),
      /no plain-resnet21: such nets have 6n \+ 2 layers; nearest are plain-resnet20 and plain-resnet26/,
    ],
  ])('unknown: %s', (_, find, message) => {
    expect(find).toThrow(message);
  });

  it("of nets with ImageNet's depths: cifar- before them, as before others", () => {
    for (const name of ['cifar-resnet50', 'cifar-resnet20', 'resnet20']) {
      const model = createModel(name);
      expect((model as ResNetCifar).depth).toBe(Number(name.slice(-2)));
      model.dispose();
    }
  });

  it('that are taken cannot be registered again', () => {
    const entry = { description: '', source: '' };
    expect(() => registerNorm({ ...entry, name: 'batch', make: () => new ReLU() })).toThrow('there is a norm "batch" already');
    expect(() => registerInitializer({ ...entry, name: 'kaiming', initialize: () => undefined })).toThrow(
      'an initialisation "kaiming" already',
    );
    expect(() => registerModel({ ...entry, name: 'simple-cnn', create: () => undefined })).toThrow('there is a model "simple-cnn" already');
  });
});

describe('what works as in PyTorch', () => {
  it('padding same and valid', () => {
    const x = zeros([1, 2, 9, 7]);
    const shape = (options: object): readonly number[] => new Conv2d(2, 3, { kernelSize: [3, 5], ...options }).forward(x).shape;
    expect(shape({ padding: 'same' })).toEqual([1, 3, 9, 7]);
    expect(shape({ padding: 'same', dilation: 2 })).toEqual([1, 3, 9, 7]);
    expect(shape({ padding: 'same', kernelSize: [2, 4], paddingMode: 'replicate' })).toEqual([1, 3, 9, 7]);
    expect(shape({ padding: 'valid' })).toEqual([1, 3, 7, 3]);
  });

  it('LayerNorm of a number, BatchNorm2d on [N, C]', async () => {
    expect(new LayerNorm(4).normalizedShape).toEqual([4]);
    const x = tensor([1, 3, 5, 7], { shape: [2, 2] });
    const rows = [...(await new LayerNorm(2).forward(x).read())].map(Math.round);
    expect(rows).toEqual([-1, 1, -1, 1]);
    const columns = [...(await new BatchNorm2d(2).forward(x).read())].map(Math.round);
    expect(columns).toEqual([-1, -1, 1, 1]);
  });

  it('simple-cnn says which images it wants', () => {
    expect(() => createModel('simple-cnn').forward(zeros([2, 1, 28, 28]))).toThrow(
      /SimpleCnn: takes images \[N, 3, 32, 32\], got \[2, 1, 28, 28\]; resize or pad\(\)/,
    );
  });
});
