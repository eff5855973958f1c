import * as core from '@initlab/core';
import { type Device, InitlabError, ones, openDevice, Tensor } from '@initlab/core';
import * as internal from '@initlab/core/internal';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { noTensors } from '../support/no-tensors.js';
import { untyped } from '../support/untyped.js';

/** Anything that may be called with anything, as JavaScript does. */
type Loose = Readonly<Record<string, (...args: unknown[]) => unknown>>;
const loose = untyped<Loose>({ ...core, ...internal });
const call =
  (name: string, ...args: unknown[]) =>
  () =>
    (loose[name] as Loose[string])(...args);

let device: Device;
let x: Tensor;
let image: Tensor;
let channels: Tensor;
let labels: Tensor;
let rng: Tensor;
beforeAll(async () => {
  device = await openDevice();
  [x, image, channels] = [ones([3, 3], { device }), ones([2, 4, 3, 3], { device }), ones([4], { device })];
  labels = ones([3], { device, dtype: 'i32' });
  rng = ones([4], { device, dtype: 'u32' });
});
afterAll(() => device.close());

const storedImages = { channels: 1, height: 2, width: 2, outChannels: 1, outHeight: 2, outWidth: 2, mean: [0], std: [1] };
const sgd = { name: 'sgd', moments: {}, constants: {}, formulas: 'w = w - lr * g;' };
/** Every place of an op that wants a tensor. */
const places: Readonly<Record<string, (bad: unknown) => () => unknown>> = {
  ...Object.fromEntries(
    [
      'relu',
      'exp',
      'square',
      'clamp',
      'elu',
      'isNan',
      'sum',
      'mean',
      'amax',
      'amin',
      'argmax',
      'variance',
      'varMean',
      'rowNorms',
      'flatten',
      'mish',
      'hardsigmoid',
      'selu',
      'glu',
      'prod',
      'cumsum',
      'sort',
    ].map((name) => [name, (bad: unknown) => call(name, bad, name === 'clamp' ? { min: 0 } : undefined)]),
  ),
  sumTo: (bad) => call('sumTo', bad, [1]),
  cast: (bad) => call('cast', bad, 'f16'),
  toFormat: (bad) => call('toFormat', bad, 'channelsLast'),
  reshape: (bad) => call('reshape', bad, [3]),
  permute: (bad) => call('permute', bad, [0]),
  expand: (bad) => call('expand', bad, [3]),
  narrow: (bad) => call('narrow', bad, { dim: 0, start: 0, length: 1 }),
  'prelu: weight': (bad) => call('prelu', x, bad),
  'convTranspose2d: weight': (bad) => call('convTranspose2d', image, bad),
  interpolate: (bad) => call('interpolate', bad, { size: 2 }),
  pixelShuffle: (bad) => call('pixelShuffle', bad, 2),
  pixelRows: (bad) => call('pixelRows', bad),
  imagesOfRows: (bad) => call('imagesOfRows', bad, [1, 1, 1, 1]),
  rmsNorm: (bad) => call('rmsNorm', bad, { normalizedShape: [3] }),
  localResponseNorm: (bad) => call('localResponseNorm', bad, { size: 3 }),
  'nllLoss: target': (bad) => call('nllLoss', x, bad),
  flip: (bad) => call('flip', bad, [0]),
  roll: (bad) => call('roll', bad, 1),
  slice: (bad) => call('slice', bad, []),
  topk: (bad) => call('topk', bad, 1),
  'take: x': (bad) => call('take', bad, labels),
  'indexSelect: x': (bad) => call('indexSelect', bad, labels),
  'indexSelect: index': (bad) => call('indexSelect', x, bad),
  'gather along: index': (bad) => call('gather', x, bad, { dim: 0 }),
  'scatterAdd: index': (bad) => call('scatterAdd', x, bad, { source: x }),
  'scatterAdd: source': (bad) => call('scatterAdd', channels, labels, { source: bad }),
  'einsum: one of its operands': (bad) => call('einsum', 'ij,ij->i', [x, bad]),
  pad: (bad) => call('pad', bad, { pad: [1, 1] }),
  'cat: one of its tensors': (bad) => call('cat', [x, bad]),
  'where: condition': (bad) => call('where', bad, 1, 0),
  softmax: (bad) => call('softmax', bad, { dim: 0 }),
  logSoftmax: (bad) => call('logSoftmax', bad, { dim: 0 }),
  maxPool2d: (bad) => call('maxPool2d', bad, { kernelSize: 2 }),
  maxPool2dWithIndices: (bad) => call('maxPool2dWithIndices', bad, { kernelSize: 2 }),
  adaptiveMaxPool2dWithIndices: (bad) => call('adaptiveMaxPool2dWithIndices', bad, 2),
  maxUnpool2d: (bad) => call('maxUnpool2d', bad, labels, { kernelSize: 2 }),
  'maxUnpool2d: indices': (bad) => call('maxUnpool2d', image, bad, { kernelSize: 2 }),
  avgPool2d: (bad) => call('avgPool2d', bad, { kernelSize: 2 }),
  adaptiveAvgPool2d: (bad) => call('adaptiveAvgPool2d', bad, 1),
  'matmul: left': (bad) => call('matmul', bad, x),
  'matmul: right': (bad) => call('matmul', x, bad),
  'linear: input': (bad) => call('linear', bad, x),
  'linear: weight': (bad) => call('linear', x, bad),
  'linear: bias': (bad) => call('linear', x, x, { bias: bad }),
  'conv2d: input': (bad) => call('conv2d', bad, ones([4, 4, 1, 1], { device })),
  'conv2d: weight': (bad) => call('conv2d', image, bad),
  'conv2d: bias': (bad) => call('conv2d', image, ones([4, 4, 1, 1], { device }), { bias: bad }),
  'batchNorm: x': (bad) => call('batchNorm', bad, { training: true }),
  'batchNorm: weight': (bad) => call('batchNorm', image, { training: true, weight: bad, bias: channels }),
  'batchNorm: bias': (bad) => call('batchNorm', image, { training: true, weight: channels, bias: bad }),
  'batchNorm: runningMean': (bad) => call('batchNorm', image, { runningMean: bad, runningVar: channels }),
  'batchNorm: runningVar': (bad) => call('batchNorm', image, { runningMean: channels, runningVar: bad }),
  'groupNorm: x': (bad) => call('groupNorm', bad, { groups: 2 }),
  'groupNorm: weight': (bad) => call('groupNorm', image, { groups: 2, weight: bad, bias: channels }),
  'instanceNorm: x': (bad) => call('instanceNorm', bad),
  'instanceNorm: bias': (bad) => call('instanceNorm', image, { weight: channels, bias: bad }),
  'layerNorm: x': (bad) => call('layerNorm', bad, { normalizedShape: [3] }),
  'layerNorm: weight': (bad) => call('layerNorm', x, { normalizedShape: [3], weight: bad }),
  'layerNorm: bias': (bad) => call('layerNorm', x, { normalizedShape: [3], bias: bad }),
  'crossEntropy: input': (bad) => call('crossEntropy', bad, labels),
  'crossEntropy: target': (bad) => call('crossEntropy', x, bad),
  'crossEntropy: weight': (bad) => call('crossEntropy', x, labels, { weight: bad }),
  'mseLoss: x': (bad) => call('mseLoss', bad, x),
  'mseLoss: target': (bad) => call('mseLoss', x, bad),
  'dropout: x': (bad) => call('dropout', bad, { p: 0.5, rng, stream: 0 }),
  'dropout: rng': (bad) => call('dropout', x, { p: 0.5, rng: bad, stream: 0 }),
  'uniform: rng': (bad) => call('uniform', [3], { rng: bad, stream: 0 }),
  'gather: x': (bad) => call('gather', bad, labels),
  'gather: index': (bad) => call('gather', channels, bad),
  'adjustImages: images': (bad) => call('adjustImages', bad, ones([1, 1, 8], { device })),
  'adjustImages: rows': (bad) => call('adjustImages', image, bad),
  'gatherImages: images': (bad) => call('gatherImages', bad, labels, storedImages),
  'gatherImages: index': (bad) => call('gatherImages', rng, bad, storedImages),
  'gatherImages: rng': (bad) => call('gatherImages', rng, labels, { ...storedImages, rng: bad }),
  'weightNorm: v': (bad) => call('weightNorm', bad, ones([3, 1], { device })),
  'weightNorm: g': (bad) => call('weightNorm', x, bad),
  'copyInto: dst': (bad) => call('copyInto', bad, x),
  'copyInto: src': (bad) => call('copyInto', x, bad),
  'addInto: src': (bad) => call('addInto', x, bad),
  'clipGradNorm: one of its tensors': (bad) => call('clipGradNorm', [x, bad], { maxNorm: 1 }),
  'clipGradNorm: lossScale': (bad) => call('clipGradNorm', [x], { maxNorm: 1, lossScale: bad }),
  'lossScaleUpdate: state': (bad) => call('lossScaleUpdate', [x], { growth: 2, backoff: 0.5, interval: 1, state: bad }),
  'optimizerUpdate: param': (bad) => call('optimizerUpdate', sgd, { param: bad, grad: x, hyper: ones([3], { device }), moments: [] }),
  'optimizerUpdate: lossScale': (bad) =>
    call('optimizerUpdate', sgd, { param: x, grad: image, hyper: ones([3], { device }), moments: [], lossScale: bad }),
  'backward: output': (bad) => call('backward', bad),
  'backward: gradient': (bad) => call('backward', core.sum(core.mul(leaf(), 2)), { gradient: bad }),
  'grad: output': (bad) => call('grad', bad, [leaf()]),
  'grad: inputs': (bad) => call('grad', core.sum(leaf()), [bad]),
};
const leaf = (): Tensor => ones([3], { device, requiresGrad: true });

describe('what is no tensor is refused in words where a tensor is wanted', () => {
  it.each(Object.entries(places))('%s', (_, place) => {
    for (const [what, bad] of noTensors) {
      const failure = ((): unknown => {
        try {
          place(bad)();
        } catch (error) {
          return error;
        }
        return 'was taken';
      })();
      expect(failure, what).toBeInstanceOf(InitlabError);
      // It names what stands there, and says what to give.
      expect(String(failure), what).toMatch(/tensor/i);
    }
  });

  it('says what to give', () => {
    const of = (weight: unknown) => () => core.crossEntropy(x, labels, { weight: untyped(weight) });
    expect(of([1, 2, 3])).toThrow('crossEntropy: weight is [1, 2, 3], not a tensor; make one with tensor(…)');
    expect(of(new Float32Array(3))).toThrow('crossEntropy: weight is Float32Array, not a tensor; make one with tensor(…)');
    expect(of(null)).toThrow('crossEntropy: weight is null, not a tensor; leave it out or make one with tensor(…)');
    expect(of(0)).toThrow('crossEntropy: weight is 0, not a tensor');
    expect(of(undefined)()).toBeInstanceOf(Tensor);
  });
});
