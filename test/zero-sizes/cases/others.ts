import {
  clipGradNorm,
  conv1d,
  convTranspose1d,
  convTranspose2d,
  dropout,
  full,
  glu,
  hardsigmoid,
  imagesOfRows,
  interpolate,
  localResponseNorm,
  mish,
  nllLoss,
  ones,
  pixelRows,
  pixelShuffle,
  prelu,
  rand,
  randn,
  rmsNorm,
  selu,
  type Tensor,
  tensor,
  uniform,
  zeros,
} from '@initlab/core';
import { fmaProbe, layerwiseUpdate, lossScaleUpdate, optimizerUpdate, takenNumbers } from '@initlab/core/internal';
import type { ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;
const rng = ({ device }: Tensor): Tensor => ones([4], { dtype: 'u32', device });
const filled = (shape: readonly number[], value: number, { device }: Tensor): Tensor => full(shape, value, { device });

export const otherCases: ZeroCases = {
  mish: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => mish(x as Tensor), y: [[0, 3]] }],
  hardsigmoid: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => hardsigmoid(x as Tensor), y: [[0, 3]] }],
  selu: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => selu(x as Tensor), y: [[0, 3]] }],
  glu: [{ title: 'no rows', inputs: [[0, 4]], f: (x) => glu(x as Tensor), y: [[0, 2]] }],
  prelu: [{ title: 'no rows', inputs: [[0, 3], [3]], f: (x, weight) => prelu(x as Tensor, weight as Tensor), y: [[0, 3]] }],
  convTranspose2d: [
    {
      title: 'no images',
      inputs: [
        [0, 2, 3, 3],
        [2, 1, 2, 2],
      ],
      f: (x, weight) => convTranspose2d(x as Tensor, weight as Tensor),
      y: [[0, 1, 4, 4]],
    },
  ],
  convTranspose1d: [
    {
      title: 'no rows',
      inputs: [
        [0, 2, 3],
        [2, 1, 2],
      ],
      f: (x, weight) => convTranspose1d(x as Tensor, weight as Tensor),
      y: [[0, 1, 4]],
    },
  ],
  conv1d: [
    {
      title: 'no rows',
      inputs: [
        [0, 2, 5],
        [3, 2, 2],
      ],
      f: (x, weight) => conv1d(x as Tensor, weight as Tensor, { stride: 2 }),
      y: [[0, 3, 2]],
    },
    {
      title: 'no channels',
      inputs: [[2, 0, 3], [3, 0, 2], [3]],
      f: (x, weight, bias) => conv1d(x as Tensor, weight as Tensor, { bias }),
      y: [[2, 3, 2], 1],
      grads: [0, 0, 4],
    },
  ],
  interpolate: (['nearest', 'bilinear', 'bicubic', 'area'] as const).map((mode) => ({
    title: `no images, ${mode}`,
    inputs: [[0, 2, 2, 2]],
    f: (x) => interpolate(x as Tensor, { scaleFactor: 2, mode }),
    y: [[0, 2, 4, 4]],
  })),
  pixelShuffle: [{ title: 'no images', inputs: [[0, 4, 2, 2]], f: (x) => pixelShuffle(x as Tensor, 2), y: [[0, 1, 4, 4]] }],
  pixelRows: [
    { title: 'no images', inputs: [[0, 4, 2, 2]], f: (x) => pixelRows(x as Tensor), y: [[0, 4]] },
    { title: 'no channels', inputs: [[3, 0, 2, 2]], f: (x) => pixelRows(x as Tensor), y: [[12, 0]] },
  ],
  imagesOfRows: [{ title: 'no rows', inputs: [[0, 4]], f: (x) => imagesOfRows(x as Tensor, [0, 4, 2, 2]), y: [[0, 4, 2, 2]] }],
  rmsNorm: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => rmsNorm(x as Tensor, { normalizedShape: [3] }), y: [[0, 3]] }],
  localResponseNorm: [
    { title: 'no images', inputs: [[0, 4, 2, 2]], f: (x) => localResponseNorm(x as Tensor, { size: 3 }), y: [[0, 4, 2, 2]] },
  ],
  nllLoss: [
    {
      title: 'no rows, summed',
      inputs: [[0, 3]],
      f: (x) => nllLoss(x as Tensor, zeros([0], { dtype: 'i32', device: (x as Tensor).device }), { reduction: 'sum' }),
      y: [[], 0],
    },
  ],
  dropout: [
    { title: 'no rows', inputs: [[0, 3]], f: (x) => dropout(T(x), { p: 0.5, rng: rng(T(x)), stream: 1 }), y: [[0, 3]] },
    { title: 'no channels', inputs: [[2, 0, 3, 3]], f: (x) => dropout(T(x), { p: 0.5, rng: rng(T(x)), stream: 1 }), y: [[2, 0, 3, 3]] },
  ],
  uniform: [{ title: 'no numbers', inputs: [[1]], f: (x) => uniform([2, 0], { rng: rng(T(x)), stream: 1 }), y: [[2, 0]], grads: 'none' }],
  rand: [{ title: 'no numbers', inputs: [[1]], f: (x) => rand([2, 0], { device: T(x).device }), y: [[2, 0]], grads: 'none' }],
  randn: [
    {
      title: 'no images',
      inputs: [[1]],
      f: (x) => randn([0, 3, 2, 2], { device: T(x).device, format: 'channelsLast' }),
      y: [[0, 3, 2, 2]],
      grads: 'none',
    },
  ],
  fmaProbe: [{ title: 'no invocations', inputs: [[1]], f: (x) => fmaProbe(T(x), { invocations: 0, rounds: 1 }), y: [[0]], grads: 'none' }],
  clipGradNorm: [
    {
      title: 'gradients without elements',
      inputs: [[1]],
      f: (x) => clipGradNorm([filled([0, 3], 1, T(x))], { maxNorm: 1 }),
      y: [[1], 0],
      grads: 'none',
    },
    {
      title: 'one of two without elements',
      inputs: [[1]],
      f: (x) => clipGradNorm([filled([0, 3], 1, T(x)), filled([4], 1, T(x)), filled([0], 1, T(x))], { maxNorm: 1 }),
      y: [[1], 2],
      grads: 'none',
    },
    {
      title: 'one of two without elements: the other is scaled',
      inputs: [[1]],
      f: (x) => {
        const g = filled([4], 8, T(x));
        clipGradNorm([filled([0, 3], 1, T(x)), g], { maxNorm: 1 + 1e-6 / 16 });
        return g.mul(2);
      },
      y: [[4], 1],
      grads: 'none',
    },
  ],
  lossScaleUpdate: [
    {
      title: 'gradients without elements: a good step',
      inputs: [[1]],
      f: (x) => {
        const state = tensor([8, 1, 0, 1], { device: T(x).device });
        lossScaleUpdate([zeros([0], { device: T(x).device })], { state, growthInterval: 2, growthFactor: 2, backoffFactor: 0.5 });
        // Scale 16, skip 0, no good steps since; the factor of these gradients is that of the scale they had.
        return state.mul(tensor([1, 8 * 16, 1, 1], { device: T(x).device })).sum();
      },
      y: [[], 32],
      grads: 'none',
    },
  ],
  layerwiseUpdate: [
    {
      title: 'a parameter without elements',
      inputs: [[1]],
      f: (x) => {
        const { device } = T(x);
        const [param, grad, m] = [0, 1, 2].map(() => filled([0], 1, T(x))) as [Tensor, Tensor, Tensor];
        const layers = tensor([0, 1, 0, 0], { shape: [2, 2], dtype: 'i32', device });
        const rule = {
          name: 'still',
          moments: { m: 0 },
          constants: {},
          direction: 'u = g;',
          directionMoves: false,
          trust: '1.0',
          formulas: 'm = g;',
        };
        layerwiseUpdate(rule, { param, grad, hyper: filled([3], 1, T(x)), layers, moments: [m] }, { first: 0, count: 1 });
        return param.mul(2);
      },
      y: [[0]],
      grads: 'none',
    },
  ],
  takenNumbers: [
    {
      title: 'no parameters that skipped any',
      inputs: [[1]],
      f: (x) => {
        const rates = { lr: 1, decay: 0, gradScale: 1, updates: 3 };
        return takenNumbers({ numbers: () => ({ bias: 2 }) }, { skipped: filled([0], 0, T(x)), first: 0, end: 0 }, () => rates);
      },
      y: [[4]],
      grads: 'none',
    },
  ],
  optimizerUpdate: [
    {
      title: 'a parameter without elements',
      inputs: [[1]],
      f: (x) => {
        const [param, grad, m, v] = [0, 1, 2, 3].map(() => filled([0], 1, T(x))) as [Tensor, Tensor, Tensor, Tensor];
        const rule = { name: 'moves', moments: { m: 0, v: 0 }, constants: {}, formulas: 'm = g; v = m; w = w - lr * v;' };
        optimizerUpdate(rule, { param, grad, hyper: filled([3], 1, T(x)), moments: [m, v] });
        return param.mul(2);
      },
      y: [[0]],
      grads: 'none',
    },
  ],
};
