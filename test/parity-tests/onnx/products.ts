import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Table } from './call.js';
import { pairsOf } from './shapes.js';
import { pair, windowsOf } from './windows.js';

function conv(call: Call): Tensor {
  const [x, weight] = [call.x(0), call.x(1)];
  const { stride, dilation, before, after, even } = windowsOf(call, weight.shape.slice(2), x.shape.slice(2));
  const image = even ? x : core.pad(x, { pad: pairsOf([...before, ...after]) });
  return core.conv2d(image, weight, {
    bias: call.optional(2),
    stride: pair(stride),
    padding: even ? pair(before) : 0,
    dilation: pair(dilation),
    groups: call.number('group', 1),
  });
}

/** What is cut off at the beginning and at the end for an output of a wanted size. */
function cutFor(call: Call, size: readonly number[], whole: readonly number[]): number[] {
  const upper = call.text('auto_pad', 'NOTSET') === 'SAME_UPPER';
  const total = whole.map((length, i) => length - (size[i] as number));
  const before = total.map((t) => (upper ? Math.floor : Math.ceil)(t / 2));
  return [...before, ...total.map((t, i) => t - (before[i] as number))];
}

function convTranspose(call: Call): Tensor {
  const [x, weight] = [call.x(0), call.x(1)];
  const spatial = x.shape.slice(2);
  const { kernel, stride, dilation, before, after, even } = windowsOf(call, weight.shape.slice(2), spatial);
  const outputPadding = call.list('output_padding') ?? kernel.map(() => 0);
  const options = { bias: call.optional(2), groups: call.number('group', 1) };
  if (kernel.length === 1) return core.convTranspose1d(x, weight, { ...options, stride: stride[0], dilation: dilation[0] });
  const along = { ...options, stride: pair(stride), dilation: pair(dilation), outputPadding: pair(outputPadding) };
  const same = call.text('auto_pad', 'NOTSET').startsWith('SAME');
  const size = call.list('output_shape') ?? (same ? spatial.map((length, i) => length * (stride[i] as number)) : undefined);
  if (even && !size) return core.convTranspose2d(x, weight, { ...along, padding: pair(before) });
  const whole = core.convTranspose2d(x, weight, along);
  const cut = size ? cutFor(call, size, whole.shape.slice(2)) : [...before, ...after];
  return core.pad(whole, { pad: pairsOf(cut.map((n) => -n)) });
}

function gemm(call: Call): Tensor {
  const [a, b] = (['transA', 'transB'] as const).map((turned, i) =>
    call.flag(turned) ? core.transpose(call.x(i), [0, 1]) : call.x(i),
  ) as [Tensor, Tensor];
  const product = core.mul(core.matmul(a, b), call.number('alpha', 1));
  const c = call.optional(2);
  return c ? core.add(product, core.mul(c, call.number('beta', 1))) : product;
}

export const products: Table = {
  Conv: conv,
  ConvTranspose: convTranspose,
  Einsum: (call) => core.einsum(call.text('equation', ''), call.all),
  Gemm: gemm,
  MatMul: (call) => core.matmul(call.x(0), call.x(1)),
};
