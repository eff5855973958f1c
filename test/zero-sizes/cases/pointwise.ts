import * as core from '@initlab/core';
import { type BinaryName, binaryRows, type UnaryName, unaryRows } from '@initlab/kernels';
import type { ZeroCase, ZeroCases } from '../zero-case.js';

// Element by element: nothing of nothing. Sizes of 1 grow to 0 as to any other, and the gradient of what grew is a sum of
// nothing, 0.

const all: Readonly<Record<string, unknown>> = core;

const unary = (name: UnaryName): readonly ZeroCase[] => {
  const op = name === 'clamp' ? (x: core.Tensor) => core.clamp(x, { min: 0, max: 1 }) : (all[name] as (x: core.Tensor) => core.Tensor);
  const grads = 'backward' in unaryRows[name] ? {} : { grads: 'none' as const };
  return [
    { title: 'a vector', inputs: [[0]], f: (x) => op(x as core.Tensor), y: [[0]], ...grads },
    { title: 'images', inputs: [[2, 0, 3, 4]], f: (x) => op(x as core.Tensor), y: [[2, 0, 3, 4]], ...grads },
  ];
};

const binary = (name: BinaryName): readonly ZeroCase[] => {
  const op = all[name] as (x: core.Operand, z: core.Operand) => core.Tensor;
  const grads = 'backward' in binaryRows[name] ? {} : { grads: 'none' as const };
  const two = (x?: core.Tensor, z?: core.Tensor): core.Tensor => op(x as core.Tensor, z as core.Tensor);
  return [
    {
      title: 'two alike',
      inputs: [
        [0, 3],
        [0, 3],
      ],
      f: two,
      y: [[0, 3]],
      ...grads,
    },
    {
      title: 'sizes of 1 that grow to 0',
      inputs: [
        [3, 1],
        [1, 0],
      ],
      f: two,
      y: [[3, 0]],
      ...grads,
    },
    { title: 'a scalar and nothing', inputs: [[], [0]], f: two, y: [[0]], ...grads },
    {
      title: 'images and channels',
      inputs: [
        [0, 4, 2, 2],
        [4, 1, 1],
      ],
      f: two,
      y: [[0, 4, 2, 2]],
      ...grads,
    },
    { title: 'a number', inputs: [[2, 0]], f: (x) => op(x as core.Tensor, 2), y: [[2, 0]], ...grads },
  ];
};

const rows = <Name extends string>(names: Readonly<Record<Name, unknown>>, make: (name: Name) => readonly ZeroCase[]): ZeroCases =>
  Object.fromEntries((Object.keys(names) as Name[]).map((name) => [name, make(name)]));

export const pointwiseCases: ZeroCases = {
  ...rows(unaryRows, unary),
  ...rows(binaryRows, binary),
  where: [
    {
      title: 'a condition of no rows',
      inputs: [[1, 2], [2]],
      f: (x, z) => core.where(core.zeros([0, 1], { device: (x as core.Tensor).device }), x as core.Tensor, z as core.Tensor),
      y: [[0, 2]],
    },
    {
      title: 'no columns of either',
      inputs: [
        [3, 1],
        [3, 0],
      ],
      f: (x, z) => core.where(core.zeros([3, 1], { device: (x as core.Tensor).device }), x as core.Tensor, z as core.Tensor),
      y: [[3, 0]],
    },
  ],
  cast: [
    { title: 'to f32', inputs: [[2, 0]], f: (x) => core.cast(x as core.Tensor, 'f32'), y: [[2, 0]] },
    { title: 'to whole numbers', inputs: [[0]], f: (x) => core.cast(x as core.Tensor, 'i32'), y: [[0]], grads: 'none' },
  ],
};
