import { ceilDiv, dispatch, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { joinPartials, sizes } from './direct.wgsl.js';
import { type Conv2dProblem, conv2dOutputSize, gradWeightSplits } from './problem.js';

/** Output channels an invocation computes. */
const width = 16;
/** Pixels one invocation walks through before its part ends. */
const pixelsPerSplit = 1024;

/**
 * Weight gradient of a dense convolution for drivers that run on the CPU (see software-gather): an invocation owns one
 * tap, 4 input channels and 16 output channels, and walks through a fixed part of the pixels. The gradient's row is
 * the same for all invocations (one broadcast), the 4 inputs are gathered: 64 multiply-adds for 4 gathers. Parts are
 * added in order by a second dispatch.
 */
export function planSoftwareGradWeight(problem: Conv2dProblem, target: Target): Plan {
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const { inChannels, outChannels } = problem;
  const pixels = problem.batch * outHeight * outWidth;
  const taps = problem.kernelHeight * problem.kernelWidth;
  const each = inChannels % 4 === 0 ? 4 : 1;
  const owners = (taps * inChannels) / each;
  const weights = taps * inChannels * outChannels;
  const splits = gradWeightSplits(pixels, weights, pixelsPerSplit);
  // A workgroup is a whole number of 8-wide vectors, as full as the owners allow.
  const groups = ceilDiv(owners, 160);
  const size = ceilDiv(ceilDiv(owners, groups), 8) * 8;
  const rows = outChannels % 4 === 0;
  const variant = `conv2d-gradWeight-software-${each}x${width}`;
  const partial = dispatch(target, {
    name: `${variant}${rows ? '-rows' : ''}`,
    bindings: [read('x', each === 4 ? 'vec4<f32>' : 'f32'), read('dy', rows ? 'vec4<f32>' : 'f32'), readWrite('partials')],
    constants: { ...sizes(problem), chunk: u32(ceilDiv(pixels, splits)), owners: u32(owners) },
    workgroups: [groups, splits, ceilDiv(outChannels, width)],
    code: () => {
      const quads = Array.from({ length: width / 4 }, (_, q) => q);
      const inputs = Array.from({ length: each }, (_, i) => i);
      const value = (i: number): string => (each === 4 ? `v.${'xyzw'[i]}` : 'v');
      // Past the last channel some valid element is read and its result never stored.
      const row = (q: number): string =>
        rows
          ? `let d${q} = dy[pixel * ${outChannels / 4}u + min(wid.z * 4u + ${q}u, ${outChannels / 4 - 1}u)];`
          : `let d${q} = vec4f(${[0, 1, 2, 3].map((k) => `dy[pixel * outChannels + min(o + ${q * 4 + k}u, outChannels - 1u)]`).join(', ')});`;
      const store = (i: number, k: number): string => {
        const text = `partials[to + ${i}u * outChannels + ${k}u] = a${i}_${k >> 2}[${k & 3}];`;
        return outChannels % width === 0 ? text : `if (o + ${k}u < outChannels) { ${text} }`;
      };
      return `
@compute @workgroup_size(${size})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let owner = wid.x * ${size}u + lane;
  let tap = owner / ${inChannels / each}u;
  let c = owner % ${inChannels / each}u;
  let r = tap / kernelWidth;
  let s = tap % kernelWidth;
  let live = owner < owners;
  let o = wid.z * ${width}u;
  ${inputs.map((i) => quads.map((q) => `var a${i}_${q} = vec4f();`).join(' ')).join('\n  ')}
  let last = min((wid.y + 1u) * chunk, pixels);
  for (var pixel = wid.y * chunk; pixel < last; pixel++) {
    let iy = ((pixel / outWidth) % outHeight) * strideH + r * dilationH - padH;
    let ix = (pixel % outWidth) * strideW + s * dilationW - padW;
    let ok = live && iy < inHeight && ix < inWidth;
    let at = select(0u, ((pixel / (outWidth * outHeight) * inHeight + iy) * inWidth + ix) * ${inChannels / each}u + c, ok);
    let v = select(${each === 4 ? 'vec4f()' : '0.0'}, x[at], ok);
    ${quads.map((q) => `${row(q)} ${inputs.map((i) => `a${i}_${q} = fma(vec4f(${value(i)}), d${q}, a${i}_${q});`).join(' ')}`).join('\n    ')}
  }
  if (!live) { return; }
  let to = ((wid.y * kernelHeight * kernelWidth + tap) * inChannels + c * ${each}u) * outChannels + o;
  ${inputs.map((i) => Array.from({ length: width }, (_, k) => store(i, k)).join(' ')).join('\n  ')}
}`;
    },
  });
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: weights * splits * 4 }],
    dispatches: [partial, joinPartials(problem, splits, target)],
  };
}
