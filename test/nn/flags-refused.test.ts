import {
  amax,
  backward,
  batchNorm,
  grad,
  interpolate,
  klDiv,
  logsumexp,
  maxPool2d,
  mean,
  norm,
  OpError,
  ones,
  prod,
  sort,
  std,
  sum,
  topk,
  varMean,
} from '@initlab/core';
import * as nn from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

defaultDeviceOfTests();

/** What takes a flag, given another thing for it; JavaScript would take that for true. */
const takers: Readonly<Record<string, (flag: never) => unknown>> = {
  'Adagrad maximize': (flag) => new nn.Adagrad([new nn.Parameter([1])], { maximize: flag }),
  'Adam amsgrad': (flag) => new nn.Adam([new nn.Parameter([1])], { amsgrad: flag }),
  'Adam maximize': (flag) => new nn.Adam([new nn.Parameter([1])], { maximize: flag }),
  'AdamW amsgrad': (flag) => new nn.AdamW([new nn.Parameter([1])], { amsgrad: flag }),
  'AveragedModel useBuffers': (flag) => new nn.AveragedModel(new nn.Linear(1, 1), { useBuffers: flag }),
  'AvgPool1d countIncludePad': (flag) => new nn.AvgPool1d(2, { countIncludePad: flag }),
  'AvgPool2d countIncludePad': (flag) => new nn.AvgPool2d(2, { countIncludePad: flag }),
  'BatchNorm2d affine': (flag) => new nn.BatchNorm2d(2, { affine: flag }),
  'BatchNorm2d trackRunningStats': (flag) => new nn.BatchNorm2d(2, { trackRunningStats: flag }),
  'Conv1d bias': (flag) => new nn.Conv1d(1, 1, { kernelSize: 1, bias: flag }),
  'Conv2d bias': (flag) => new nn.Conv2d(1, 1, { kernelSize: 1, bias: flag }),
  'ConvTranspose1d bias': (flag) => new nn.ConvTranspose1d(1, 1, { kernelSize: 1, bias: flag }),
  'ConvTranspose2d bias': (flag) => new nn.ConvTranspose2d(1, 1, { kernelSize: 1, bias: flag }),
  'InstanceNorm2d trackRunningStats': (flag) => new nn.InstanceNorm2d(2, { trackRunningStats: flag }),
  'KLDivLoss logTarget': (flag) => new nn.KLDivLoss({ logTarget: flag }),
  'LAMB excludeVectors': (flag) => new nn.LAMB([new nn.Parameter([1])], { excludeVectors: flag }),
  'LARS excludeVectors': (flag) => new nn.LARS([new nn.Parameter([1])], { lr: 1, excludeVectors: flag }),
  'Linear bias': (flag) => new nn.Linear(1, 1, { bias: flag }),
  'MaxPool1d ceilMode': (flag) => new nn.MaxPool1d(2, { ceilMode: flag }),
  'MaxPool2d ceilMode': (flag) => new nn.MaxPool2d(2, { ceilMode: flag }),
  'Module.train': (flag) => new nn.ReLU().train(flag),
  'Muon nesterov': (flag) => new nn.Muon([new nn.Parameter([1, 1])], { nesterov: flag }),
  'Muon useMuon': (flag) => new nn.Muon([{ params: [new nn.Parameter([1, 1])], useMuon: flag }]),
  'NAdam maximize': (flag) => new nn.NAdam([new nn.Parameter([1])], { maximize: flag }),
  'NAdam decoupledWeightDecay': (flag) => new nn.NAdam([new nn.Parameter([1])], { decoupledWeightDecay: flag }),
  'RAdam maximize': (flag) => new nn.RAdam([new nn.Parameter([1])], { maximize: flag }),
  'RAdam decoupledWeightDecay': (flag) => new nn.RAdam([new nn.Parameter([1])], { decoupledWeightDecay: flag }),
  'RMSNorm elementwiseAffine': (flag) => new nn.RMSNorm(2, { elementwiseAffine: flag }),
  'RMSprop maximize': (flag) => new nn.RMSprop([new nn.Parameter([1])], { maximize: flag }),
  'RMSprop centered': (flag) => new nn.RMSprop([new nn.Parameter([1])], { centered: flag }),
  'SGD maximize': (flag) => new nn.SGD([new nn.Parameter([1])], { lr: 1, maximize: flag }),
  'SGD nesterov': (flag) => new nn.SGD([new nn.Parameter([1])], { lr: 1, momentum: 0.9, nesterov: flag }),
  'Upsample alignCorners': (flag) => new nn.Upsample({ scaleFactor: 2, mode: 'bilinear', alignCorners: flag }),
  'loadStateDict strict': (flag) => nn.loadStateDict(new nn.ReLU(), new Map(), { strict: flag }),
  'namedModules removeDuplicate': (flag) => [...new nn.ReLU().namedModules('', { removeDuplicate: flag })],
  'registerForwardHook prepend': (flag) => nn.registerForwardHook(new nn.ReLU(), () => undefined, { prepend: flag }),
  'amax keepdim': (flag) => amax(ones([2]), { keepdim: flag }),
  'backward createGraph': (flag) => backward(sum(ones([2]).requiresGrad_()), { createGraph: flag }),
  'backward retainGraph': (flag) => backward(sum(ones([2]).requiresGrad_()), { retainGraph: flag }),
  'batchNorm training': (flag) => batchNorm(ones([2, 2]), { training: flag }),
  'grad createGraph': (flag) => {
    const x = ones([2]).requiresGrad_();
    return grad(sum(x), [x], { createGraph: flag });
  },
  'interpolate alignCorners': (flag) => interpolate(ones([1, 1, 2, 2]), { size: 2, mode: 'bilinear', alignCorners: flag }),
  'klDiv logTarget': (flag) => klDiv(ones([2]), ones([2]), { logTarget: flag }),
  'logsumexp keepdim': (flag) => logsumexp(ones([2]), untyped({ keepdim: flag })),
  'maxPool2d ceilMode': (flag) => maxPool2d(ones([1, 1, 2, 2]), { kernelSize: 2, ceilMode: flag }),
  'mean keepdim': (flag) => mean(ones([2]), { keepdim: flag }),
  'norm keepdim': (flag) => norm(ones([2]), untyped({ keepdim: flag })),
  'prod keepdim': (flag) => prod(ones([2]), untyped({ keepdim: flag })),
  'sort descending': (flag) => sort(ones([2]), { descending: flag }),
  'std keepdim': (flag) => std(ones([2]), untyped({ keepdim: flag })),
  'sum keepdim': (flag) => sum(ones([2]), { keepdim: flag }),
  'topk largest': (flag) => topk(ones([2]), 1, { largest: flag }),
  'varMean keepdim': (flag) => varMean(ones([2]), untyped({ keepdim: flag })),
};

describe('a flag is true or false', () => {
  it.each(Object.entries(takers))('%s', (_, call) => {
    for (const flag of ['yes', 0, null]) {
      expect(() => call(untyped(flag)), String(flag)).toThrow(OpError);
      expect(() => call(untyped(flag)), String(flag)).toThrow(/give true or false/);
    }
  });
});
