import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import { AvgPool1d, MaxPool1d } from '@initlab/nn';
import type { Call, Table } from './call.js';
import { pairsOf } from './shapes.js';
import { pair, type Windows, windowsOf } from './windows.js';

const windows = (call: Call): Windows => windowsOf(call, call.list('kernel_shape') ?? [], call.x(0).shape.slice(2));
const sides = ({ before, after }: Windows): number[] => pairsOf([...before, ...after]);

/** Places in row-major order, as ONNX counts them where the case says column-major. */
function columnMajor(indices: Tensor, [height, width]: readonly [number, number]): Tensor {
  const row = core.cast(core.floor(core.div(indices, width)), 'i32');
  return core.add(core.mul(core.sub(indices, core.mul(row, width)), height), row);
}

function maxPool(call: Call): Tensor | readonly Tensor[] {
  const x = call.x(0);
  const all = windows(call);
  const { kernel, stride, dilation, before, even } = all;
  const ceilMode = call.flag('ceil_mode');
  if (kernel.length === 1)
    return new MaxPool1d(kernel[0] as number, { stride: stride[0], padding: before[0], dilation: dilation[0], ceilMode }).forward(x);
  const options = { kernelSize: pair(kernel), stride: pair(stride), dilation: pair(dilation), ceilMode };
  if (call.of.outputs.length > 1) {
    // Of the one image of one channel: ours count in each of these anew, ONNX's through all.
    const { values, indices } = core.maxPool2dWithIndices(x, { ...options, padding: pair(before) });
    return [values, call.flag('storage_order') ? columnMajor(indices, pair(x.shape.slice(2))) : indices];
  }
  if (even) return core.maxPool2d(x, { ...options, padding: pair(before) });
  return core.maxPool2d(core.pad(x, { pad: sides(all), value: Number.NEGATIVE_INFINITY }), options);
}

function avgPool(call: Call): Tensor {
  const x = call.x(0);
  const all = windows(call);
  const { kernel, stride, before, even } = all;
  const [ceilMode, countIncludePad] = [call.flag('ceil_mode'), call.flag('count_include_pad')];
  if (kernel.length === 1)
    return new AvgPool1d(kernel[0] as number, { stride: stride[0], padding: before[0], ceilMode, countIncludePad }).forward(x);
  const options = { kernelSize: pair(kernel), stride: pair(stride), ceilMode };
  if (even) return core.avgPool2d(x, { ...options, padding: pair(before), countIncludePad });
  const mean = (image: Tensor): Tensor => core.avgPool2d(core.pad(image, { pad: sides(all) }), options);
  return countIncludePad ? mean(x) : core.div(mean(x), mean(core.onesLike(x)));
}

/** Indices are of the image that the windows make; what the output's shape adds lies below and right of it. PyTorch's are of the output. */
function maxUnpool(call: Call): Tensor {
  const { kernel, stride, before } = windows(call);
  const y = core.maxUnpool2d(call.x(0), call.x(1), { kernelSize: pair(kernel), stride: pair(stride), padding: pair(before) });
  const more = (call.numbers(2) ?? y.shape).map((length, i) => length - (y.shape[i] as number));
  return core.pad(y, { pad: pairsOf([...more.map(() => 0), ...more]) });
}

export const pools: Table = {
  AveragePool: avgPool,
  GlobalAveragePool: (call) => core.adaptiveAvgPool2d(call.x(0), 1),
  GlobalMaxPool: (call) => core.adaptiveMaxPool2d(call.x(0), 1),
  MaxPool: maxPool,
  MaxUnpool: maxUnpool,
};
