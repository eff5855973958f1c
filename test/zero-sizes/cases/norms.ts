import { batchNorm, groupNorm, instanceNorm, layerNorm, ones, rowNorms, type Tensor, weightNorm } from '@initlab/core';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;

/** With weight and bias, which are f32 whatever x is; their gradients are looked at in the layers' tests. */
const affine = (x: Tensor, channels: number): { weight: Tensor; bias: Tensor } => ({
  weight: ones([channels], { device: x.device }),
  bias: ones([channels], { device: x.device }),
});

const shapes = [
  [0, 4, 3, 3],
  [2, 4, 0, 3],
  [2, 4, 3, 0],
  [2, 0, 3, 3],
  [0, 4],
] as const;
const each = (f: (x: Tensor, channels: number) => Tensor, of: readonly (readonly number[])[] = shapes): ZeroCase[] =>
  of.map((shape) => ({ title: `[${shape.join(', ')}]`, inputs: [shape], f: (x) => f(T(x), shape[1] as number), y: [shape] }));

// Where a batch norm or an instance norm has a weight, PyTorch reads the first value of it and of a channel: it refuses to have
// none, by an index error, which is no rule of its own. Here these sizes are as legal as the others.
export const normCases: ZeroCases = {
  batchNorm: [
    ...each((x, channels) => batchNorm(x, { training: true, ...affine(x, channels) })),
    ...each((x) => batchNorm(x, { training: true })),
    ...each((x, channels) => {
      const { weight: runningMean, bias: runningVar } = affine(x, channels);
      return batchNorm(x, { runningMean, runningVar, ...affine(x, channels) });
    }),
    {
      title: 'running statistics, which stay',
      inputs: [[3], [3]],
      f: (runningMean, runningVar) => {
        batchNorm(ones([0, 3, 4, 4], { device: T(runningMean).device }), { training: true, runningMean, runningVar });
        return T(runningVar).add(T(runningMean));
      },
      y: [[3], 2],
      grads: [1, 1],
      only32: true,
    },
  ],
  groupNorm: [
    ...each((x, channels) => groupNorm(x, { groups: 2, ...affine(x, channels) })),
    ...each((x) => groupNorm(x, { groups: 1 })),
    {
      title: 'one value a group, of two images: its bias',
      inputs: [[2, 4, 1, 1]],
      f: (x) => groupNorm(T(x), { groups: 4, ...affine(T(x), 4) }),
      y: [[2, 4, 1, 1], 1],
    },
  ],
  instanceNorm: each(
    (x, channels) => instanceNorm(x, affine(x, channels)),
    [
      [0, 4, 3, 3],
      [2, 4, 0, 3],
      [2, 0, 3, 3],
    ],
  ),
  layerNorm: [
    {
      title: 'no rows',
      inputs: [[0, 4], [4], [4]],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [4], weight, bias }),
      y: [[0, 4]],
    },
    {
      title: 'rows of nothing',
      inputs: [[2, 0], [0], [0]],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [0], weight, bias }),
      y: [[2, 0]],
    },
    {
      title: 'rank 3 without rows',
      inputs: [[2, 0, 4], [4], [4]],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [4], weight, bias }),
      y: [[2, 0, 4]],
    },
    { title: 'two dimensions of nothing', inputs: [[2, 0, 3]], f: (x) => layerNorm(T(x), { normalizedShape: [0, 3] }), y: [[2, 0, 3]] },
    {
      title: 'no images',
      inputs: [
        [0, 3, 4, 4],
        [3, 4, 4],
        [3, 4, 4],
      ],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [3, 4, 4], weight, bias }),
      y: [[0, 3, 4, 4]],
    },
    {
      title: 'images of nothing',
      inputs: [
        [2, 3, 0, 4],
        [3, 0, 4],
        [3, 0, 4],
      ],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [3, 0, 4], weight, bias }),
      y: [[2, 3, 0, 4]],
    },
    {
      title: 'one value: its bias',
      inputs: [[2, 1], [1], [1]],
      f: (x, weight, bias) => layerNorm(T(x), { normalizedShape: [1], weight, bias }),
      y: [[2, 1], 1],
      grads: [0, 0, 2],
    },
  ],
  rowNorms: [
    { title: 'rows of nothing', inputs: [[4, 0]], f: (v) => rowNorms(T(v)), y: [[4, 1], 0], grads: 'none', only32: true },
    { title: 'no rows', inputs: [[0, 3, 2, 2]], f: (v) => rowNorms(T(v)), y: [[0, 1, 1, 1]], grads: 'none', only32: true },
  ],
  weightNorm: [
    // The norm of nothing is 0; the gradient of g is 0 / 0, as in PyTorch and as of a channel of zeros.
    {
      title: 'channels of no weights',
      inputs: [
        [4, 0],
        [4, 1],
      ],
      f: (v, g) => weightNorm(T(v), T(g)),
      y: [[4, 0]],
      grads: [0, Number.NaN],
      only32: true,
    },
    {
      title: 'no channels',
      inputs: [
        [0, 3, 2, 2],
        [0, 1, 1, 1],
      ],
      f: (v, g) => weightNorm(T(v), T(g)),
      y: [[0, 3, 2, 2]],
      only32: true,
    },
  ],
};
