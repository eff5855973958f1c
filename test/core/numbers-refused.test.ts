import * as core from '@initlab/core';
import { InitlabError, ones, type Tensor, tensor } from '@initlab/core';
import { showValue } from '@initlab/core/internal';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests, patience } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

const deviceOf = defaultDeviceOfTests();

/** By name: a namespace is not to be looked up in by what is not known. */
const { maxPool2d, avgPool2d, sum, mean, amax, amin, variance } = core;
const pools = { maxPool2d, avgPool2d };
const reductions = { sum, mean, amax, amin, variance };

/** What a number may come out as, by mistake or by arithmetic. */
const values: readonly unknown[] = [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY, undefined, null, '2', [1], [1, 2, 3]];
const left = undefined;

const image = (): Tensor => ones([2, 4, 6, 6]);
const rows = (): Tensor => ones([4, 8]);
const filter = (): Tensor => ones([4, 4, 3, 3]);
const rng = (): Tensor => tensor(Uint32Array.of(1, 0, 0, 0));

/** Every number that an op takes: what is right of the above; all else is to be refused. */
const ops: readonly [op: string, option: string, take: (value: never) => unknown, right: readonly unknown[]][] = [
  ['conv2d', 'stride', (stride) => core.conv2d(image(), filter(), { stride }), [left]],
  ['conv2d', 'padding', (padding) => core.conv2d(image(), filter(), { padding }), [0, left]],
  ['conv2d', 'dilation', (dilation) => core.conv2d(image(), filter(), { dilation }), [left]],
  ['conv2d', 'groups', (groups) => core.conv2d(image(), filter(), { groups }), [left]],
  ...Object.entries(pools).flatMap(([name, pool]): (typeof ops)[number][] => [
    [name, 'kernelSize', (kernelSize) => pool(image(), { kernelSize }), []],
    [name, 'stride', (stride) => pool(image(), { kernelSize: 2, stride }), [left]],
    [name, 'padding', (padding) => pool(image(), { kernelSize: 2, padding }), [0, left]],
  ]),
  ['adaptiveAvgPool2d', 'outputSize', (size) => core.adaptiveAvgPool2d(image(), size), []],
  ['batchNorm', 'eps', (eps) => core.batchNorm(image(), { training: true, eps }), [0, 0.5, left]],
  ['batchNorm', 'momentum', (momentum) => core.batchNorm(image(), { training: true, momentum }), [0, 0.5, left]],
  ['groupNorm', 'groups', (groups) => core.groupNorm(image(), { groups }), []],
  ['groupNorm', 'eps', (eps) => core.groupNorm(image(), { groups: 2, eps }), [0, 0.5, left]],
  ['instanceNorm', 'eps', (eps) => core.instanceNorm(image(), { eps }), [0, 0.5, left]],
  ['layerNorm', 'eps', (eps) => core.layerNorm(rows(), { normalizedShape: [8], eps }), [0, 0.5, left]],
  ['layerNorm', 'normalizedShape', (normalizedShape) => core.layerNorm(rows(), { normalizedShape }), []],
  ['layerNorm', 'normalizedShape', (size) => core.layerNorm(rows(), { normalizedShape: [size] }), []],
  ['dropout', 'p', (p) => core.dropout(rows(), { p, rng: rng(), stream: 1 }), [0, 0.5]],
  ['dropout', 'stream', (stream) => core.dropout(rows(), { p: 0.5, rng: rng(), stream }), [0]],
  ['uniform', 'low', (low) => core.uniform([2], { rng: rng(), stream: 0, low }), [-1, 0, 0.5, left]],
  ['uniform', 'high', (high) => core.uniform([2], { rng: rng(), stream: 0, high }), [0, 0.5, left]],
  ['variance', 'correction', (correction) => core.variance(rows(), { correction }), [-1, 0, 0.5, left]],
  ['varMean', 'correction', (correction) => core.varMean(rows(), { correction }).variance, [-1, 0, 0.5, left]],
  ['varMean', 'unit', (unit) => core.varMean(rows(), { unit }).variance, [0.5, left]],
  ...Object.entries(reductions).flatMap(([name, reduce]): (typeof ops)[number][] => [
    [name, 'dim', (dim) => reduce(rows(), { dim }), [-1, 0, left, null, [1]]],
    [name, 'dims', (dims) => reduce(rows(), { dims: [dims] }), [-1, 0]],
  ]),
  ['softmax', 'dim', (dim) => core.softmax(rows(), { dim }), [-1, 0]],
  ['logSoftmax', 'dim', (dim) => core.logSoftmax(rows(), { dim }), [-1, 0]],
  ['reshape', 'shape', (size) => core.reshape(rows(), [4, size]), [-1]],
  ['reshape', 'shape', (shape) => core.reshape(rows(), shape), []],
  ['flatten', 'startDim', (start) => core.flatten(rows(), start), [-1, 0, left]],
  ['expand', 'shape', (size) => core.expand(ones([4, 1]), [4, size]), [-1, 0]],
  ['expand', 'shape', (shape) => core.expand(rows(), shape), []],
  ['permute', 'dims', (dim) => core.permute(rows(), [0, dim]), [-1]],
  ['permute', 'dims', (dims) => core.permute(rows(), dims), []],
  ['narrow', 'dim', (dim) => core.narrow(rows(), { dim, start: 0, length: 1 }), [-1, 0]],
  ['narrow', 'start', (start) => core.narrow(rows(), { dim: 0, start, length: 1 }), [0]],
  ['narrow', 'length', (length) => core.narrow(rows(), { dim: 0, start: 0, length }), [0]],
  ['pad', 'pad', (size) => core.pad(rows(), { pad: [size, 0] }), [-1, 0]],
  ['pad', 'pad', (size) => core.pad(rows(), { pad: [size, 0], mode: 'replicate' }), [0]],
  ['pad', 'pad', (pad) => core.pad(rows(), { pad }), []],
  ['pad', 'value', (value) => core.pad(rows(), { pad: [1, 1], value }), [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY, left]],
  ['cat', 'dim', (dim) => core.cat([rows(), rows()], { dim }), [-1, 0, left]],
  ['clamp', 'min', (min) => core.clamp(rows(), { min }), [-1, 0, 0.5, Number.POSITIVE_INFINITY, left]],
  ['clamp', 'max', (max) => core.clamp(rows(), { max }), [-1, 0, 0.5, Number.POSITIVE_INFINITY, left]],
  ['elu', 'alpha', (alpha) => core.elu(rows(), alpha), [-1, 0, 0.5, left]],
  ['leakyRelu', 'negativeSlope', (slope) => core.leakyRelu(rows(), slope), [-1, 0, 0.5, left]],
  [
    'crossEntropy',
    'labelSmoothing',
    (labelSmoothing) => core.crossEntropy(rows(), core.zeros([4], { dtype: 'i32' }), { labelSmoothing }),
    [0, 0.5, left],
  ],
  [
    'crossEntropy',
    'ignoreIndex',
    (ignoreIndex) => core.crossEntropy(rows(), core.zeros([4], { dtype: 'i32' }), { ignoreIndex }),
    [-1, 0, left],
  ],
  ['clipGradNorm', 'maxNorm', (maxNorm) => core.clipGradNorm([ones([2])], { maxNorm }), [0.5, Number.POSITIVE_INFINITY]],
  ['zeros', 'shape', (size) => core.zeros([size]), [0]],
  ['rand', 'shape', (size) => core.rand([size]), [0]],
  ['full', 'value', (value) => core.full([2], value), [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY]],
  ['add', '', (value) => core.add(rows(), value), [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY]],
  ['where', '', (value) => core.where(rows(), value, 0), [Number.NaN, -1, 0, 0.5, Number.POSITIVE_INFINITY]],
  ['compile', 'maxRecordings', (maxRecordings) => core.compile(() => ones([1]), { maxRecordings }), [left]],
];

describe('a number of an op is taken for what it is, or refused by name', () => {
  it.each(ops)('%s: %s', (name, option, take, right) => {
    const same = (a: unknown, b: unknown): boolean => Object.is(a, b) || (Array.isArray(a) && Array.isArray(b) && String(a) === String(b));
    for (const value of values) {
      const what = `${name} with ${option} ${showValue(value)}`;
      const start = performance.now();
      let thrown: unknown;
      try {
        take(untyped(value));
      } catch (error) {
        thrown = error;
      }
      expect(performance.now() - start, what).toBeLessThan(patience);
      if (right.some((v) => same(v, value))) expect(thrown, what).toBeUndefined();
      else {
        expect(thrown, what).toBeInstanceOf(InitlabError);
        expect((thrown as InitlabError).message, what).toContain(name);
      }
    }
  });

  it('no number goes as far as the device', async () => {
    await deviceOf().sync();
  });
});

describe('calls as PyTorch takes them say how they are here', () => {
  const loose = (f: unknown): ((...args: unknown[]) => unknown) => untyped(f);
  const method = (name: 'reshape' | 'expand', ...args: unknown[]): unknown => {
    const x = rows();
    return loose(x[name].bind(x))(...args);
  };
  const calls: readonly [string, () => unknown, string][] = [
    ['reshape(x, 2, -1)', () => loose(core.reshape)(rows(), 2, -1), 'reshape(x, [2, -1])'],
    ['x.reshape(2, -1)', () => method('reshape', 2, -1), '[2, -1]'],
    ['x.reshape(-1)', () => method('reshape', -1), '[-1]'],
    ['expand(x, 4, 8)', () => loose(core.expand)(rows(), 4, 8), 'expand(x, [4, 8])'],
    ['x.expand(4, 8)', () => method('expand', 4, 8), '[4, 8]'],
    ['permute(x, 0, 2, 3, 1)', () => loose(core.permute)(image(), 0, 2, 3, 1), 'permute(x, [0, 2, 3, 1])'],
    ['zeros(2, 3)', () => loose(core.zeros)(2, 3), '[2, 3]'],
    ['randn(2, 3)', () => loose(core.randn)(2, 3), '[2, 3]'],
    ['cat(a, b)', () => loose(core.cat)(rows(), rows()), 'cat([a, b])'],
    ['sum(x, 1)', () => loose(core.sum)(rows(), 1), '{ dim: … }'],
    ['softmax(x, 1)', () => loose(core.softmax)(rows(), 1), '{ dim: … }'],
    ['maxPool2d(x, 2)', () => loose(core.maxPool2d)(image(), 2), '{ kernelSize: … }'],
    ['narrow(x, 0, 0, 2)', () => loose(core.narrow)(rows(), 0, 0, 2), '{ dim: … }'],
    ['clamp(x, 0, 1)', () => loose(core.clamp)(rows(), 0, 1), '{ min: … }'],
    ['conv2d(x, w, b)', () => loose(core.conv2d)(image(), filter(), ones([4])), '{ bias: … }'],
    ['linear(x, w, b)', () => loose(core.linear)(rows(), ones([3, 8]), ones([3])), '{ bias: … }'],
    ['gather(x, index) of a matrix', () => core.gather(rows(), core.zeros([2], { dtype: 'i32' })), 'x.flatten(0)'],
  ];
  it.each(calls)('%s', (_, call, advice) => {
    expect(call).toThrow(InitlabError);
    expect(call).toThrow(advice);
  });
});
