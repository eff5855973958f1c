import type { Tensor } from '@initlab/core';
import * as core from '@initlab/core';
import type { Call, Table } from './call.js';
import { pair } from './windows.js';

function resize(call: Call): Tensor {
  const [scales, sizes] = [call.numbers(2), call.numbers(3)];
  const to = sizes ? { size: pair(sizes.slice(2)) } : { scaleFactor: pair((scales ?? []).slice(2)) };
  const mode = call.text('mode', 'nearest');
  if (mode === 'nearest') return core.interpolate(call.x(0), to);
  const alignCorners = call.text('coordinate_transformation_mode', 'half_pixel') === 'align_corners';
  return core.interpolate(call.x(0), { ...to, mode: mode === 'cubic' ? 'bicubic' : 'bilinear', alignCorners });
}

export const resizing: Table = {
  Resize: resize,
  Upsample: (call) => core.interpolate(call.x(0), { scaleFactor: pair((call.numbers(1) ?? []).slice(2)) }),
};
