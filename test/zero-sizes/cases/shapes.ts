import {
  addInto,
  alias,
  cat,
  chunk,
  copyInto,
  expand,
  flatten,
  flip,
  gather,
  indexSelect,
  narrow,
  ones,
  pad,
  permute,
  reshape,
  roll,
  scatterAdd,
  slice,
  sort,
  split,
  squeeze,
  stack,
  type Tensor,
  take,
  toFormat,
  topk,
  transpose,
  unsqueeze,
  zeros,
} from '@initlab/core';
import { adjustImages, gatherImages } from '@initlab/core/internal';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

const T = (x: Tensor | undefined): Tensor => x as Tensor;
const index = (shape: readonly number[], { device }: Tensor): Tensor => zeros(shape, { dtype: 'i32', device });
const inPlace = (op: (dst: Tensor, src: Tensor) => Tensor): readonly ZeroCase[] => [
  {
    title: 'nothing into nothing',
    inputs: [
      [0, 3],
      [0, 3],
    ],
    f: (x, z) => op(T(x), T(z)),
    y: [[0, 3]],
    grads: 'none',
  },
];
const images = { channels: 1, height: 4, width: 4, outChannels: 3, outHeight: 4, outWidth: 4, mean: [0, 0, 0], std: [1, 1, 1] };

export const shapeCases: ZeroCases = {
  reshape: [
    { title: 'to others of no elements', inputs: [[0, 3]], f: (x) => reshape(T(x), [2, 0]), y: [[2, 0]], grads: [1] },
    { title: 'a size of 0 for −1', inputs: [[0, 3]], f: (x) => reshape(T(x), [5, -1]), y: [[5, 0]], grads: [1] },
    { title: 'images to a vector', inputs: [[2, 0, 3, 3]], f: (x) => reshape(T(x), [-1]), y: [[0]], grads: [1] },
  ],
  alias: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => alias(T(x)), y: [[0, 3]], grads: [1] }],
  squeeze: [{ title: 'no rows', inputs: [[0, 1]], f: (x) => squeeze(T(x)), y: [[0]], grads: [1] }],
  unsqueeze: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => unsqueeze(T(x), -1), y: [[0, 3, 1]], grads: [1] }],
  transpose: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => transpose(T(x), [0, 1]), y: [[3, 0]], grads: [1] }],
  stack: [
    {
      title: 'nothing beside nothing',
      inputs: [
        [0, 3],
        [0, 3],
      ],
      f: (x, z) => stack([T(x), T(z)], { dim: 1 }),
      y: [[0, 2, 3]],
    },
  ],
  split: [{ title: 'a part of nothing', inputs: [[2, 3]], f: (x) => split(T(x), [0, 2])[0] as Tensor, y: [[0, 3]] }],
  chunk: [{ title: 'nothing in parts', inputs: [[0, 3]], f: (x) => chunk(T(x), 2)[1] as Tensor, y: [[0, 3]] }],
  flatten: [
    { title: 'no images', inputs: [[0, 3, 2, 2]], f: (x) => flatten(T(x)), y: [[0, 12]], grads: [1] },
    { title: 'no channels', inputs: [[2, 0, 2, 2]], f: (x) => flatten(T(x)), y: [[2, 0]], grads: [1] },
    { title: 'from the first dimension', inputs: [[2, 0, 4]], f: (x) => flatten(T(x), 0), y: [[0]], grads: [1] },
  ],
  expand: [
    { title: 'a size of 1 to 0', inputs: [[3, 1]], f: (x) => expand(T(x), [3, 0]), y: [[3, 0]] },
    { title: 'a leading 0', inputs: [[3]], f: (x) => expand(T(x), [0, 3]), y: [[0, 3]] },
    { title: 'beside a size of 0', inputs: [[0, 1]], f: (x) => expand(T(x), [-1, 4]), y: [[0, 4]] },
  ],
  permute: [
    { title: 'rank 3', inputs: [[2, 0, 3]], f: (x) => permute(T(x), [1, 0, 2]), y: [[0, 2, 3]] },
    { title: 'images', inputs: [[0, 3, 2, 4]], f: (x) => permute(T(x), [0, 2, 3, 1]), y: [[0, 2, 4, 3]] },
  ],
  toFormat: [
    { title: 'no images', inputs: [[0, 3, 2, 4]], f: (x) => toFormat(T(x), 'channelsLast'), y: [[0, 3, 2, 4]] },
    { title: 'no pixels', inputs: [[2, 3, 0, 4]], f: (x) => toFormat(T(x), 'rowMajor'), y: [[2, 3, 0, 4]] },
  ],
  cat: [
    {
      title: 'one without rows',
      inputs: [
        [0, 3],
        [2, 3],
      ],
      f: (...x) => cat(x),
      y: [[2, 3], 1],
      grads: [1, 1],
    },
    {
      title: 'none with rows',
      inputs: [
        [0, 3],
        [0, 3],
      ],
      f: (...x) => cat(x),
      y: [[0, 3]],
    },
    {
      title: 'columns of no rows',
      inputs: [
        [0, 3],
        [0, 2],
      ],
      f: (...x) => cat(x, { dim: 1 }),
      y: [[0, 5]],
    },
    {
      title: 'images, one batch of them empty',
      inputs: [
        [1, 2, 3, 3],
        [0, 2, 3, 3],
      ],
      f: (...x) => cat(x),
      y: [[1, 2, 3, 3], 1],
      grads: [1],
    },
    {
      title: 'no channels and some',
      inputs: [
        [2, 0, 3, 3],
        [2, 4, 3, 3],
      ],
      f: (...x) => cat(x, { dim: 1 }),
      y: [[2, 4, 3, 3], 1],
      grads: [1, 1],
    },
    {
      title: 'an empty vector and a matrix, as PyTorch takes them',
      inputs: [[0], [2, 2]],
      f: (...x) => cat(x, { dim: 1 }),
      y: [[2, 2], 1],
      grads: [1, 1],
    },
    {
      title: 'ten of them',
      inputs: Array.from({ length: 10 }, (_, i) => [i % 2, 2]),
      f: (...x) => cat(x),
      y: [[5, 2], 1],
      grads: new Array<number>(10).fill(1),
    },
  ],
  narrow: [
    { title: 'no rows of three', inputs: [[3, 2]], f: (x) => narrow(T(x), { dim: 0, start: 1, length: 0 }), y: [[0, 2]] },
    { title: 'no rows after the last', inputs: [[3, 2]], f: (x) => narrow(T(x), { dim: 0, start: 3, length: 0 }), y: [[0, 2]] },
    { title: 'no channels of images', inputs: [[2, 4, 3, 3]], f: (x) => narrow(T(x), { dim: 1, start: 2, length: 0 }), y: [[2, 0, 3, 3]] },
    { title: 'nothing of nothing', inputs: [[0, 2]], f: (x) => narrow(T(x), { dim: 0, start: 0, length: 0 }), y: [[0, 2]] },
    { title: 'columns of no rows', inputs: [[0, 2]], f: (x) => narrow(T(x), { dim: 1, start: 0, length: 1 }), y: [[0, 1]] },
  ],
  pad: [
    { title: 'nothing, to something', inputs: [[2, 0]], f: (x) => pad(T(x), { pad: [1, 1] }), y: [[2, 2], 0] },
    { title: 'nothing, by a value', inputs: [[2, 0]], f: (x) => pad(T(x), { pad: [1, 1], value: 7 }), y: [[2, 2], 7] },
    { title: 'images of no pixels', inputs: [[1, 2, 0, 2]], f: (x) => pad(T(x), { pad: [1, 1, 1, 1], value: 7 }), y: [[1, 2, 2, 4], 7] },
    { title: 'columns of no rows', inputs: [[0, 2]], f: (x) => pad(T(x), { pad: [1, 1], value: 7 }), y: [[0, 4]] },
    { title: 'mirrored, of no rows', inputs: [[0, 2]], f: (x) => pad(T(x), { pad: [1, 1], mode: 'reflect' }), y: [[0, 4]] },
  ],
  take: [
    { title: 'no indices', inputs: [[5]], f: (x) => take(T(x), index([0], T(x))), y: [[0]], grads: 'none', only32: true },
    { title: 'no rows of indices', inputs: [[5]], f: (x) => take(T(x), index([0, 3], T(x))), y: [[0, 3]], grads: 'none', only32: true },
    { title: 'no indices into nothing', inputs: [[0]], f: (x) => take(T(x), index([0], T(x))), y: [[0]], grads: 'none', only32: true },
  ],
  gather: [
    { title: 'a vector, no indices', inputs: [[5]], f: (x) => gather(T(x), index([0], T(x))), y: [[0]], grads: 'none', only32: true },
    { title: 'no indices along a dimension', inputs: [[2, 3]], f: (x) => gather(T(x), index([2, 0], T(x)), { dim: 1 }), y: [[2, 0]] },
    { title: 'no rows', inputs: [[0, 3]], f: (x) => gather(T(x), index([0, 3], T(x)), { dim: 1 }), y: [[0, 3]] },
  ],
  indexSelect: [
    { title: 'no indices', inputs: [[2, 3]], f: (x) => indexSelect(T(x), index([0], T(x)), { dim: 1 }), y: [[2, 0]] },
    { title: 'of no rows', inputs: [[0, 3]], f: (x) => indexSelect(T(x), index([2], T(x)), { dim: 1 }), y: [[0, 2]] },
  ],
  scatterAdd: [
    {
      title: 'nothing to something',
      inputs: [
        [2, 3],
        [0, 3],
      ],
      f: (x, z) => scatterAdd(T(x), index([0, 3], T(x)), { source: T(z) }),
      y: [[2, 3], 1],
      grads: [1],
    },
  ],
  flip: [{ title: 'no rows', inputs: [[0, 3]], f: (x) => flip(T(x), [0, 1]), y: [[0, 3]] }],
  roll: [
    { title: 'no rows', inputs: [[0, 3]], f: (x) => roll(T(x), 1, { dim: 0 }), y: [[0, 3]] },
    { title: 'nothing in a row', inputs: [[0, 3]], f: (x) => roll(T(x), 2), y: [[0, 3]] },
  ],
  slice: [
    { title: 'nothing of something', inputs: [[4, 3]], f: (x) => slice(T(x), [{ start: 3, end: 2, step: 2 }]), y: [[0, 3]] },
    { title: 'every second of nothing', inputs: [[0, 3]], f: (x) => slice(T(x), [{ step: 2 }]), y: [[0, 3]] },
  ],
  sort: [
    { title: 'no columns', inputs: [[2, 0]], f: (x) => sort(T(x)).values, y: [[2, 0]] },
    { title: 'no rows', inputs: [[0, 3]], f: (x) => sort(T(x)).values, y: [[0, 3]] },
  ],
  topk: [{ title: 'none of some', inputs: [[2, 3]], f: (x) => topk(T(x), 0).values, y: [[2, 0]] }],
  adjustImages: [
    {
      title: 'no images',
      inputs: [[0, 3, 4, 4]],
      f: (x) => adjustImages(T(x), zeros([1, 0, 8], { device: T(x).device })),
      y: [[0, 3, 4, 4]],
      grads: 'none',
      only32: true,
    },
    {
      title: 'no rows of pixels',
      inputs: [[2, 1, 0, 4]],
      f: (x) => adjustImages(T(x), zeros([1, 2, 8], { device: T(x).device })),
      y: [[2, 1, 0, 4]],
      grads: 'none',
      only32: true,
    },
  ],
  gatherImages: [
    {
      title: 'no images of five',
      inputs: [[1]],
      f: (x) => gatherImages(zeros([20], { dtype: 'u32', device: T(x).device }), index([0], T(x)), images),
      y: [[0, 3, 4, 4]],
      grads: 'none',
    },
    {
      title: 'no images of none, augmented',
      inputs: [[1]],
      f: (x) => {
        const [drawn, { device }] = [{ crop: 1, flip: true, cutout: 2 }, T(x)];
        const rng = ones([4], { dtype: 'u32', device });
        return gatherImages(zeros([0], { dtype: 'u32', device }), index([0], T(x)), { ...images, ...drawn, rng });
      },
      y: [[0, 3, 4, 4]],
      grads: 'none',
    },
  ],
  copyInto: inPlace(copyInto),
  addInto: inPlace(addInto),
};
