import { ceilDiv, dispatch, entry, grid, read, readWrite, u32s } from '../../kernel.js';
import type { Dispatch, Target, Temporary } from '../../plan.js';

/** Channels of an NHWC tensor filled up with zeros to a multiple of four, in f32, so that kernels can load whole vectors. */
export function padChannels(
  { slot, channels, pixels, dtype }: { slot: string; channels: number; pixels: number; dtype: 'f32' | 'f16' },
  target: Target,
): { temporary: Temporary; dispatch: Dispatch } {
  const quads = ceilDiv(channels, 4);
  const temporary = { slot: `${slot}Padded`, bytes: pixels * quads * 16 };
  const made = dispatch(target, {
    family: 'conv2d-software-pad',
    about: 'Channels of an NHWC tensor filled up with zeros to whole quads, as f32. An invocation owns one quad of a pixel. No barriers.',
    key: { dtype },
    bindings: [read('source', dtype), readWrite('padded', 'vec4<f32>')],
    slots: { source: slot, padded: temporary.slot },
    scalars: u32s({ count: pixels * quads, channels, quads }),
    bake: 'passed',
    workgroups: grid(pixels * quads, target),
    code: () => `
${entry('i', 'p.count')}
  let pixel = i / p.quads;
  let first = (i - pixel * p.quads) * 4u;
  let at = pixel * p.channels + first;
  let rest = p.channels - first;
  // No branches: on a CPU a skipped load costs more than one of a value not wanted.
  var value = vec4f();
  ${[0, 1, 2, 3].map((k) => `value[${k}] = select(0.0, f32(source[select(0u, at + ${k}u, ${k}u < rest)]), ${k}u < rest);`).join('\n  ')}
  padded[i] = value;
}`,
  });
  return { temporary, dispatch: made };
}
