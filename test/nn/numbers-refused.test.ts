import { Generator, InitlabError, type Tensor, tensor, uniform, zeros } from '@initlab/core';
import { batchCount, epochOrder, ResidentDataset } from '@initlab/data';
import { createModel, FixupResNet, Mlp, MobileNetV2, PlainCnn, ResNetCifar, WideResNet } from '@initlab/models';
import * as nn from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests, patience } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

defaultDeviceOfTests();
const { NaN: none, POSITIVE_INFINITY: infinite } = Number;
const parameters = (): nn.Parameter[] => [new nn.Parameter([2])];
const matrix = (): Tensor => zeros([4, 3]);
const filter = (): Tensor => zeros([4, 2, 3, 3]);
const optimizer = (): nn.SGD => new nn.SGD(parameters(), { lr: 1 });

const split = { images: new Uint8Array(16), labels: new Uint8Array(4), count: 4 };
const images = { name: 'x', classes: ['a'], channels: 1, height: 2, width: 2, mean: [0], std: [1], origin: 'test', train: split };
const resident = (augmentation: object): ResidentDataset => new ResidentDataset(images, split, { augmentation: untyped(augmentation) });

/** Every number that a constructor or a function of nn takes: what takes it, its name, and what it may not be. */
const options: readonly [name: string, option: string, take: (value: number) => unknown, bad: readonly unknown[]][] = [
  ['Conv2d', 'inChannels', (v) => new nn.Conv2d(v, 4, { kernelSize: 1 }), [0, -1, 1.5, none, infinite, '3', null]],
  ['Conv2d', 'outChannels', (v) => new nn.Conv2d(4, v, { kernelSize: 1 }), [0, none]],
  ['Conv2d', 'kernelSize', (v) => new nn.Conv2d(1, 1, { kernelSize: v }), [0, none, [], [3], [3, 3, 3], [3, none]]],
  ['Conv2d', 'stride', (v) => new nn.Conv2d(1, 1, { kernelSize: 1, stride: v }), [0, none, [1], null]],
  ['Conv2d', 'padding', (v) => new nn.Conv2d(1, 1, { kernelSize: 1, padding: v }), [-1, none, [1], [1, 1, 1, 1]]],
  ['Conv2d', 'dilation', (v) => new nn.Conv2d(1, 1, { kernelSize: 1, dilation: v }), [0, none, [2]]],
  ['Conv2d', 'groups', (v) => new nn.Conv2d(4, 4, { kernelSize: 1, groups: v }), [0, 3, none]],
  ['Conv2d', 'bias', (v) => new nn.Conv2d(1, 1, { kernelSize: 1, bias: untyped(v) }), [0, 1, null, 'no']],
  ['Conv1d', 'kernelSize', (v) => new nn.Conv1d(1, 1, { kernelSize: v }), [0, none, [3]]],
  ['Conv1d', 'padding', (v) => new nn.Conv1d(1, 1, { kernelSize: 1, padding: v }), [-1, none, 0.5]],
  ['Conv1d', 'groups', (v) => new nn.Conv1d(4, 4, { kernelSize: 1, groups: v }), [0, 3, none]],
  ['ConvTranspose1d', 'stride', (v) => new nn.ConvTranspose1d(1, 1, { kernelSize: 1, stride: v }), [0, none]],
  ['ConvTranspose1d', 'outputPadding', (v) => new nn.ConvTranspose1d(1, 1, { kernelSize: 1, stride: 2, outputPadding: v }), [-1, 2, none]],
  ['spectral norm', 'nPowerIterations', (v) => new nn.SpectralNormLinear(1, 1, { nPowerIterations: v }), [0, none, 0.5]],
  ['spectral norm', 'eps', (v) => new nn.SpectralNormConv2d(1, 1, { kernelSize: 1, eps: v }), [0, -1, none]],
  ['Linear', 'inFeatures', (v) => new nn.Linear(v, 1), [0, none, '3']],
  ['Linear', 'outFeatures', (v) => new nn.Linear(1, v), [0, none]],
  ['Linear', 'bias', (v) => new nn.Linear(1, 1, { bias: untyped(v) }), [0, null]],
  ['WeightNormConv2d', '', (v) => new nn.WeightNormConv2d(v, 1, { kernelSize: 1 }), [0, none]],
  ['WeightNormLinear', '', (v) => new nn.WeightNormLinear(v, 1), [0, none]],
  ['BatchNorm2d', 'numFeatures', (v) => new nn.BatchNorm2d(v), [0, none, 2.5]],
  ['BatchNorm2d', 'eps', (v) => new nn.BatchNorm2d(2, { eps: v }), [none, -1, infinite, '1e-5', null]],
  ['BatchNorm2d', 'momentum', (v) => new nn.BatchNorm2d(2, { momentum: v }), [none, -0.1, 1.1, 'none']],
  ['BatchNorm2d', 'affine', (v) => new nn.BatchNorm2d(2, { affine: untyped(v) }), [0, null]],
  ['BatchNorm2d', 'trackRunningStats', (v) => new nn.BatchNorm2d(2, { trackRunningStats: untyped(v) }), [0, null]],
  ['GroupNorm', '', (v) => new nn.GroupNorm(v, 4), [3, 0, none]],
  ['GroupNorm', 'eps', (v) => new nn.GroupNorm(2, 4, { eps: v }), [none, -1]],
  ['InstanceNorm2d', 'momentum', (v) => new nn.InstanceNorm2d(4, { momentum: v }), [none, -1, 1.1, 'none']],
  ['InstanceNorm2d', 'eps', (v) => new nn.InstanceNorm2d(4, { eps: v }), [none, -1]],
  ['LayerNorm', 'normalizedShape', (v) => new nn.LayerNorm(v), [0, none, [], [4, none]]],
  ['LayerNorm', 'eps', (v) => new nn.LayerNorm(4, { eps: v }), [none, -1]],
  ...nn
    .listNorms()
    .flatMap(({ name, make }): (typeof options)[number][] =>
      make.inWeights || name === 'none' ? [] : [[`norm ${name}`, '', (v) => make(v), [0, none]]],
    ),
  ['MaxPool2d', 'kernelSize', (v) => new nn.MaxPool2d(v), [0, none, [2], undefined]],
  ['MaxPool2d', 'stride', (v) => new nn.MaxPool2d(2, { stride: v }), [0, none, 0.5, [1]]],
  ['MaxPool2d', 'padding', (v) => new nn.MaxPool2d(3, { padding: v }), [-1, none, 2, 0.5]],
  ['MaxPool1d', 'padding', (v) => new nn.MaxPool1d(3, { padding: v }), [-1, none, 2, 0.5]],
  ['MaxPool1d', 'dilation', (v) => new nn.MaxPool1d(3, { dilation: v }), [0, none]],
  ['AvgPool1d', 'kernelSize', (v) => new nn.AvgPool1d(v), [0, none, [2]]],
  ['AdaptiveAvgPool1d', 'outputSize', (v) => new nn.AdaptiveAvgPool1d(v), [0, none, [1]]],
  ['AdaptiveMaxPool1d', 'outputSize', (v) => new nn.AdaptiveMaxPool1d(v), [0, none, null]],
  ['MaxPool2d', 'dilation', (v) => new nn.MaxPool2d(2, { dilation: v }), [0, none, [1]]],
  ['MaxPool2d', 'ceilMode', (v) => new nn.MaxPool2d(2, { ceilMode: untyped(v) }), [0, null]],
  ['AvgPool2d', 'divisorOverride', (v) => new nn.AvgPool2d(2, { divisorOverride: v }), [0, none, infinite]],
  ['AvgPool2d', 'kernelSize', (v) => new nn.AvgPool2d(v), [0, none]],
  ['AvgPool2d', 'stride', (v) => new nn.AvgPool2d(2, { stride: v }), [0, none]],
  ['AvgPool2d', 'padding', (v) => new nn.AvgPool2d(2, { padding: v }), [2, none]],
  ['AvgPool2d', 'countIncludePad', (v) => new nn.AvgPool2d(2, { countIncludePad: untyped(v) }), [0, 1]],
  ['AdaptiveAvgPool2d', 'outputSize', (v) => new nn.AdaptiveAvgPool2d(v), [0, none, [1], null, [2, undefined]]],
  ['AdaptiveMaxPool2d', 'outputSize', (v) => new nn.AdaptiveMaxPool2d(v), [0, none, [1], null, [0, null]]],
  ['Dropout', 'p', (v) => new nn.Dropout(v), [none, -0.1, 1.1, '0.5', null]],
  ['ELU', 'alpha', (v) => new nn.ELU(v), [none, infinite, 'x', { alpha: 1 }]],
  ['LeakyReLU', 'negativeSlope', (v) => new nn.LeakyReLU(v), [none, infinite, { negativeSlope: 0.1 }]],
  ['Parameter', 'shape', (v) => new nn.Parameter([v]), [-1, none, 1.5, infinite]],
  ['Parameter', 'value', (v) => new nn.Parameter([1], { value: v }), [none, infinite, '1']],
  ['stateTensor', 'shape', (v) => nn.stateTensor([v]), [-1, none]],
  ['stateTensor', 'value', (v) => nn.stateTensor([1], { value: v }), [none]],

  ['SGD', 'lr', (v) => new nn.SGD(parameters(), { lr: v }), [none, -1, infinite, '0.1', undefined, null]],
  ['SGD', 'momentum', (v) => new nn.SGD(parameters(), { lr: 1, momentum: v }), [none, -1, infinite, null]],
  ['SGD', 'dampening', (v) => new nn.SGD(parameters(), { lr: 1, momentum: 0.9, dampening: v }), [none, infinite]],
  ['SGD', 'weightDecay', (v) => new nn.SGD(parameters(), { lr: 1, weightDecay: v }), [none, -1, infinite]],
  ['Adam', 'lr', (v) => new nn.Adam(parameters(), { lr: v }), [none, -1, infinite]],
  ['Adam', 'beta', (v) => new nn.Adam(parameters(), { betas: [v, 0.9] }), [none, -0.1, 1]],
  ['Adam', 'beta', (v) => new nn.Adam(parameters(), { betas: [0.9, v] }), [none, -0.1, 1, undefined]],
  ['Adam', 'betas', (v) => new nn.Adam(parameters(), { betas: untyped(v) }), [0.9, [0.9], [0.9, 0.9, 0.9]]],
  ['AdamW', 'eps', (v) => new nn.AdamW(parameters(), { eps: v }), [none, -1, infinite]],
  ['AdamW', 'weightDecay', (v) => new nn.AdamW(parameters(), { weightDecay: v }), [none, -1, infinite]],
  ['optimizer group 0', 'lrMultiplier', (v) => new nn.SGD([{ params: parameters(), lrMultiplier: v }], { lr: 1 }), [none, -1, infinite]],
  ['optimizer group 0', 'weightDecay', (v) => new nn.SGD([{ params: parameters(), weightDecay: v }], { lr: 1 }), [none, -1, infinite]],
  ['optimizer', 'lr', (v) => Object.assign(optimizer(), { lr: v }), [none, -1, infinite, '1', undefined]],
  ['optimizer', 'gradScale', (v) => Object.assign(optimizer(), { gradScale: v }), [none, 0, -1, infinite]],
  ['BatchNorm2d', 'numBatchesTracked', (v) => Object.assign(new nn.BatchNorm2d(1), { numBatchesTracked: v }), [none, -1, 0.5]],

  ['constantLr', 'baseLr', (v) => nn.constantLr(v), [none, -1, infinite]],
  ['cosineLr', 'baseLr', (v) => nn.cosineLr(v, { tMax: 1 }), [none, -1, infinite]],
  ['cosineLr', 'tMax', (v) => nn.cosineLr(1, { tMax: v }), [0, -1, none, infinite, undefined]],
  ['cosineLr', 'etaMin', (v) => nn.cosineLr(1, { tMax: 1, etaMin: v }), [none, -1, infinite]],
  ['stepLr', 'stepSize', (v) => nn.stepLr(1, { stepSize: v }), [0, -1, none, infinite, undefined]],
  ['stepLr', 'gamma', (v) => nn.stepLr(1, { stepSize: 1, gamma: v }), [none, -1, infinite]],
  ['multiStepLr', 'milestones', (v) => nn.multiStepLr(1, { milestones: untyped(v) }), [30, undefined, [none], [-1], ['30']]],
  ['multiStepLr', 'gamma', (v) => nn.multiStepLr(1, { milestones: [1], gamma: v }), [none, -1]],
  ['linearLr', 'totalSteps', (v) => nn.linearLr(1, { startFactor: 0.1, totalSteps: v }), [-1, none, infinite, undefined]],
  ['linearLr', 'startFactor', (v) => nn.linearLr(1, { startFactor: v, totalSteps: 1 }), [none, -1]],
  ['linearLr', 'endFactor', (v) => nn.linearLr(1, { startFactor: 1, endFactor: v, totalSteps: 1 }), [none, -1]],
  ['quadraticWarmupLr', 'warmupLr', (v) => nn.quadraticWarmupLr(1, { warmupLr: v, steps: 1 }), [none, -1]],
  ['quadraticWarmupLr', 'steps', (v) => nn.quadraticWarmupLr(1, { warmupLr: 0.1, steps: v }), [-1, none, infinite]],
  [
    'sequentialLr',
    'milestones',
    (v) => nn.sequentialLr([nn.constantLr(1), nn.constantLr(1)], { milestones: untyped(v) }),
    [5, [none], [-1]],
  ],
  [
    'sequentialLr',
    'milestones',
    (v) => nn.sequentialLr([1, 2, 3].map(nn.constantLr), { milestones: untyped(v) }),
    [
      [5, 3],
      [5, 5],
    ],
  ],
  ['sequentialLr', 'schedules', (v) => nn.sequentialLr(untyped(v), { milestones: [1] }), [1, [1, 2], [nn.constantLr(1)]]],
  ...(
    [
      ['cosineLr', nn.cosineLr(1, { tMax: 1 })],
      ['stepLr', nn.stepLr(1, { stepSize: 1 })],
      ['multiStepLr', nn.multiStepLr(1, { milestones: [1] })],
      ['constantLr', nn.constantLr(1)],
      ['linearLr', nn.linearLr(1, { startFactor: 0.1, totalSteps: 2 })],
    ] as const
  ).map(([name, schedule]): (typeof options)[number] => [name, 'step', schedule, [none, -1, infinite, undefined]]),

  ['uniform_', 'a', (v) => nn.uniform_(matrix(), { a: v }), [none, 2, -infinite, '0']],
  ['uniform_', 'b', (v) => nn.uniform_(matrix(), { b: v }), [none, -1, infinite, 1e39]],
  ['uniform_', 'b − a', (v) => nn.uniform_(matrix(), { a: -v, b: v }), [3e38]],
  ['normal_', 'mean', (v) => nn.normal_(matrix(), { mean: v }), [none, infinite]],
  ['normal_', 'std', (v) => nn.normal_(matrix(), { std: v }), [none, -1, infinite]],
  ['truncNormal_', 'mean', (v) => nn.truncNormal_(matrix(), { mean: v }), [none, infinite]],
  ['truncNormal_', 'std', (v) => nn.truncNormal_(matrix(), { std: v }), [none, 0, -1, infinite]],
  ['truncNormal_', '', (v) => nn.truncNormal_(matrix(), { a: v, b: 1 }), [none, 1, 2]],
  ['constant_', '', (v) => nn.constant_(matrix(), v), [undefined, '1', null]],
  ['dirac_', 'groups', (v) => nn.dirac_(filter(), { groups: v }), [0, 3, none, 1.5]],
  ['xavierUniform_', 'gain', (v) => nn.xavierUniform_(matrix(), { gain: v }), [none, -1, infinite]],
  ['xavierNormal_', 'gain', (v) => nn.xavierNormal_(matrix(), { gain: v }), [none, -1, infinite]],
  ['kaiming', 'a', (v) => nn.kaimingUniform_(matrix(), { a: v }), [none, infinite, '0']],
  ['kaiming', 'a', (v) => nn.kaimingNormal_(matrix(), { a: v }), [none]],
  ['calculateFanInAndFanOut', 'groups', (v) => nn.kaimingNormal_(filter(), { mode: 'fanOut', groups: v }), [0, -1, none, 1.5]],
  ['orthogonal_', 'gain', (v) => nn.orthogonal_(matrix(), { gain: v }), [none, infinite]],
  ['deltaOrthogonal_', 'gain', (v) => nn.deltaOrthogonal_(filter(), { gain: v }), [none]],
  ['sparse_', 'sparsity', (v) => nn.sparse_(matrix(), { sparsity: v }), [none, -0.1, 1.1, undefined]],
  ['sparse_', 'std', (v) => nn.sparse_(matrix(), { sparsity: 0.5, std: v }), [none, -1]],
  ['calculateGain', 'slope', (v) => nn.calculateGain('leakyRelu', v), [none, infinite, 'x']],
  ['Mlp', 'depth', (v) => new Mlp(v, 4), [0, none, -1, 0.5, infinite, 1e6]],
  ['Mlp', 'width', (v) => new Mlp(1, v), [0, none, -1, 0.5, infinite, 1e6]],
  ['Mlp', 'inputs', (v) => new Mlp(1, 4, { inputs: v }), [0, none, -1, 0.5, infinite]],
  ['PlainCnn', 'depth', (v) => new PlainCnn(v, 4), [0, none, -1, 0.5, infinite]],
  ['PlainCnn', 'width', (v) => new PlainCnn(1, v), [0, none, -1, 0.5, infinite]],
  ['resnet', '', (v) => new ResNetCifar(v), [0, none, -1, 0.5, infinite, 2, 21]],
  ['wrn', '', (v) => new WideResNet(v, 1), [0, none, -1, 0.5, infinite, 4]],
  ['WideResNet', 'width', (v) => new WideResNet(10, v), [0, none, -1, 0.5, infinite]],
  ['fixup-resnet', '', (v) => new FixupResNet(v), [0, none, -1, 0.5, infinite]],
  ['MobileNetV2', 'width', (v) => new MobileNetV2({ width: v }), [0, none, -1, infinite]],
  ['createModel', 'numClasses', (v) => createModel('mlp1-4', { numClasses: v }), [0, none, -1, 0.5, infinite, '10', null]],
  ['epochOrder', 'count', (v) => epochOrder(v, { seed: 1, epoch: 0 }), [none, -1, 0.5, infinite, undefined]],
  ['epochOrder', 'epoch', (v) => epochOrder(4, { seed: 1, epoch: v }), [none, -1, 0.5, infinite, undefined]],
  ['batchesOf', 'batchSize', (v) => batchCount(10, { batchSize: v }), [0, none, -1, 0.5, infinite, undefined, '2']],
  ['ResidentDataset', 'size', (v) => new ResidentDataset(images, images.train, { size: v }), [0, none, -1, 0.5, infinite, 1]],
  ['ResidentDataset', 'channels', (v) => new ResidentDataset(images, images.train, { channels: v }), [0, none, -1, 0.5, infinite]],
  ['ResidentDataset', 'mean', (v) => new ResidentDataset(images, images.train, { mean: [v] }), [none, infinite, '0']],
  ['ResidentDataset', 'std', (v) => new ResidentDataset(images, images.train, { std: [v] }), [0, none, -1, infinite]],
  ['ResidentDataset', 'seed', (v) => new ResidentDataset(images, images.train, { seed: v }), [none, -1, 0.5, infinite]],
  ['ResidentDataset', 'cropPadding', (v) => resident({ cropPadding: v }), [none, -1, 0.5, infinite]],
  ['ResidentDataset', 'cutout', (v) => resident({ cutout: v }), [none, -1, 0.5, infinite]],
  ['Generator', 'seed', (v) => new Generator(v), [none, -1, 1.5, 2 ** 53]],
  ['Generator', 'stream', (v) => new Generator(0, { stream: v }), [none, -1, 2 ** 32]],
  ['Generator', 'offset', (v) => new Generator(0, { offset: v }), [none, -1, 0.5]],
  ['Generator', 'integer', (v) => new Generator(0).integer(v), [none, 0, -1, 2 ** 33, 1.5]],
  ['uniform', '', (v) => uniform([1], { rng: tensor(Uint32Array.of(0, 0, 0, 0)), stream: 1, high: v }), [none, -1, infinite, 1e39]],
  ['uniform', 'stream', (v) => uniform([1], { rng: tensor(Uint32Array.of(0, 0, 0, 0)), stream: v }), [none, -1, 0.5]],
];

describe('a number that would silently give NaN or nonsense is refused by name', () => {
  it.each(options)('%s: %s', (name, option, take, bad) => {
    for (const value of bad) {
      let thrown: unknown;
      try {
        take(untyped(value));
      } catch (error) {
        thrown = error;
      }
      expect(thrown, `${name} took ${option} ${String(value)}`).toBeInstanceOf(InitlabError);
      const { message } = thrown as InitlabError;
      if (!option) continue;
      expect(message).toContain(name);
      expect(message).toContain(option);
    }
  });
});

it('and whatever number comes, the answer is there at once, and no other error', () => {
  for (const [name, option, take] of options)
    for (const value of [none, -1, 0, 0.5, infinite, undefined]) {
      const start = performance.now();
      try {
        take(untyped(value));
      } catch (error) {
        expect(error, `${name}: ${option} ${value}`).toBeInstanceOf(InitlabError);
      }
      expect(performance.now() - start, `${name}: ${option} ${value}`).toBeLessThan(patience);
    }
});

it('initialisers fill floating-point tensors only, and empty ones stay as they are', () => {
  const draws: [string, (x: Tensor) => Tensor][] = [
    ['uniform_', (x) => nn.uniform_(x)],
    ['normal_', (x) => nn.normal_(x)],
    ['truncNormal_', (x) => nn.truncNormal_(x)],
    ['xavierUniform_', (x) => nn.xavierUniform_(x)],
    ['kaimingNormal_', (x) => nn.kaimingNormal_(x)],
    ['orthogonal_', (x) => nn.orthogonal_(x)],
    ['sparse_', (x) => nn.sparse_(x, { sparsity: 0.1 })],
  ];
  for (const [name, draw] of draws) {
    expect(() => draw(zeros([2, 2], { dtype: 'i32' })), name).toThrow(/fills floating-point tensors, got i32/);
    expect(() => draw(untyped([1])), name).toThrow(InitlabError);
    expect(draw(zeros([0, 2])).size, name).toBe(0);
    expect(draw(zeros([2, 0])).size, name).toBe(0);
  }
});

it('schedules at their ends', () => {
  expect([0, 1].map(nn.linearLr(0.1, { startFactor: 0.5, totalSteps: 0 }))).toEqual([0.1, 0.1]);
  expect([0, 1].map(nn.quadraticWarmupLr(0.1, { warmupLr: 0.05, steps: 0 }))).toEqual([0.1, 0.1]);
  // PyTorch's MultiStepLR counts what is behind, in whatever order it is listed.
  const unsorted = nn.multiStepLr(1, { milestones: [3, 1], gamma: 0.5 });
  expect([0, 1, 2, 3].map(unsorted)).toEqual([1, 0.5, 0.5, 0.25]);
  const joined = nn.sequentialLr([nn.constantLr(1), nn.constantLr(2)], { milestones: [0] });
  expect([0, 1].map(joined)).toEqual([2, 2]);
});
