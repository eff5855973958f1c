import type { PadMode, SliceRange, Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import { type Call, numbersOf, type Table, typeOf, type Values } from './call.js';

/** ONNX's pads, all the beginnings and then all the ends, as `pad` takes them: pairs, the last dimension first. */
export function pairsOf(pads: readonly number[]): number[] {
  const n = pads.length / 2;
  return Array.from({ length: n }, (_, i) => [pads[n - 1 - i] as number, pads[2 * n - 1 - i] as number]).flat();
}

const result = (call: Call): Values => call.of.outputs[0] as Values;

function pad(call: Call): Tensor {
  const modes: Readonly<Record<string, PadMode>> = { constant: 'constant', edge: 'replicate', reflect: 'reflect' };
  const mode = modes[call.text('mode', 'constant')] as PadMode;
  const value = mode === 'constant' ? { value: call.numbers(2)?.[0] ?? 0 } : {};
  return core.pad(call.x(0), { pad: pairsOf(call.numbers(1) ?? []), mode, ...value });
}

function slice(call: Call): Tensor {
  const x = call.x(0);
  const [starts = [], ends = [], named, steps] = [1, 2, 3, 4].map((i) => call.numbers(i));
  const axes = named ?? starts.map((_, i) => i);
  const ranges = x.shape.map((): SliceRange | null => null);
  axes.forEach((axis, i) => {
    ranges[axis < 0 ? axis + x.ndim : axis] = { start: starts[i], end: ends[i], step: steps?.[i] };
  });
  return core.slice(x, ranges);
}

function unsqueeze(call: Call): Tensor {
  const axes = call.list('axes') ?? call.numbers(1) ?? [];
  const ndim = call.x(0).ndim + axes.length;
  const places = axes.map((axis) => (axis < 0 ? axis + ndim : axis)).sort((a, b) => a - b);
  return places.reduce(core.unsqueeze, call.x(0));
}

/** A 0 keeps a size, unless the case says that it is one. */
function reshape(call: Call): Tensor {
  const x = call.x(0);
  const wanted = call.numbers(1) ?? [];
  return core.reshape(x, call.flag('allowzero') ? wanted : wanted.map((size, i) => (size === 0 ? (x.shape[i] as number) : size)));
}

/** [d0 · …, dn · …], cut before the axis. */
function flatten(call: Call): Tensor {
  const x = call.x(0);
  const axis = call.number('axis', 1);
  const rows = x.shape.slice(0, axis < 0 ? axis + x.ndim : axis).reduce((a, b) => a * b, 1);
  return core.reshape(x, [rows, -1]);
}

export const shapes: Table = {
  Concat: (call) => core.cat(call.all, { dim: call.number('axis', 0) }),
  ConstantOfShape: (call) => {
    const value = call.values('value');
    return core.full(call.numbers(0) ?? [], value ? (numbersOf(value)[0] as number) : 0, {
      dtype: typeOf(result(call)),
      device: call.device,
    });
  },
  DepthToSpace: (call) => core.pixelShuffle(call.x(0), call.number('blocksize', 1)),
  // ONNX also keeps sizes that the shape has as 1.
  Expand: (call) => core.expand(call.x(0), result(call).shape),
  EyeLike: (call) => {
    const [rows, columns] = call.x(0).shape as [number, number];
    return core.eye(rows, { columns, dtype: typeOf(result(call)), device: call.device });
  },
  Flatten: flatten,
  Pad: pad,
  Range: (call) => {
    const [start, end, step] = [0, 1, 2].map((i) => call.numbers(i)?.[0] as number) as [number, number, number];
    return core.arange(end, { start, step, dtype: typeOf(result(call)), device: call.device });
  },
  Reshape: reshape,
  Slice: slice,
  Split: (call) => {
    const dim = call.number('axis', 0);
    const sizes = call.numbers(1) ?? (call.x(0).shape.at(dim) as number) / call.of.outputs.length;
    return core.split(call.x(0), sizes, { dim });
  },
  Squeeze: (call) => core.squeeze(call.x(0), call.numbers(1)),
  Tile: (call) => (call.numbers(1) ?? []).reduce((x, times, dim) => core.cat(Array<Tensor>(times).fill(x), { dim }), call.x(0)),
  Transpose: (call) => core.permute(call.x(0), call.list('perm') ?? call.x(0).shape.map((_, i, { length }) => length - 1 - i)),
  Unsqueeze: unsqueeze,
};
