import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';

/** Pooling of NHWC images; pairs are [height, width]. */
export interface PoolProblem {
  readonly batch: number;
  readonly channels: number;
  readonly inHeight: number;
  readonly inWidth: number;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dtype: 'f32' | 'f16';
  /** Average pooling divides by the whole window, padding included (PyTorch's default). */
  readonly countIncludePad?: boolean;
}

export function poolOutputSize(p: Pick<PoolProblem, 'inHeight' | 'inWidth' | 'kernel' | 'stride' | 'padding'>): [number, number] {
  const along = (size: number, axis: 0 | 1): number => Math.floor((size + 2 * p.padding[axis] - p.kernel[axis]) / p.stride[axis]) + 1;
  return [along(p.inHeight, 0), along(p.inWidth, 1)];
}

export type PoolKind = 'max' | 'maxGrad' | 'maxSelect' | 'avg' | 'avgGrad';

/**
 * `max`: x → y, index (the window's winner as row · width + column; the first of equals, of NaNs the last, as PyTorch).
 * `maxGrad`: dy, index → dx. `maxSelect`: x, index → y, what lies at the winners' places (maxGrad's own gradient).
 * `avg`: x → y. `avgGrad`: dy → dx.
 * The gradients gather: every input position looks at the windows that contain it, in order, so nothing is added twice
 * at once and the bits repeat. An invocation takes four channels where they are whole vectors.
 */
export function planPool(problem: PoolProblem, kind: PoolKind, target: Target): Plan {
  const { dtype, batch, channels, kernel, stride, padding } = problem;
  const [outHeight, outWidth] = poolOutputSize(problem);
  const forward = !kind.endsWith('Grad');
  const vector = channels % 4 === 0;
  const width = vector ? 4 : 1;
  const count = (batch * channels * (forward ? outHeight * outWidth : problem.inHeight * problem.inWidth)) / width;
  const [value, place] = vector ? [`vec4<${dtype}>`, 'vec4<u32>'] : [dtype, 'u32'];
  const bindings = {
    max: [read('x', value), readWrite('y', value), readWrite('index', place)],
    maxGrad: [read('dy', value), read('index', place), readWrite('dx', value)],
    maxSelect: [read('x', dtype), read('index', place), readWrite('y', value)],
    avg: [read('x', value), readWrite('y', value)],
    avgGrad: [read('dy', value), readWrite('dx', value)],
  }[kind];
  const pad = problem.countIncludePad !== false;
  // Windows side by side: each position lies in one at most.
  const apart = !forward && kernel.every((k, axis) => k === stride[axis]) && padding.every((size) => size === 0);
  const name = `pool-${kind}-${dtype}${vector ? '-v4' : ''}${kind.startsWith('avg') && !pad ? '-nopad' : ''}${apart ? '-apart' : ''}`;
  const made = dispatch(target, {
    family: 'pool',
    about: `Everything lies NHWC; index holds the place of each maximum in its image. An invocation owns one element, or a quad of channels, of the result and walks
through the window that meets it, always in the same order. No barriers.`,
    key: { kind, dtype, vector, pad: !kind.startsWith('avg') || pad, apart },
    bindings,
    scalars: {
      count: u32(count),
      channels: u32(channels / width),
      inHeight: u32(problem.inHeight),
      inWidth: u32(problem.inWidth),
      outHeight: u32(outHeight),
      outWidth: u32(outWidth),
      kernelH: u32(kernel[0]),
      kernelW: u32(kernel[1]),
      strideH: u32(stride[0]),
      strideW: u32(stride[1]),
      padH: u32(padding[0]),
      padW: u32(padding[1]),
    },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: (key) => `
// What is stored, its value, a place in an image, and a truth for each channel.
alias Stored = ${key.vector ? `vec4<${key.dtype}>` : key.dtype};
alias Value = ${key.vector ? 'vec4<f32>' : 'f32'};
alias Place = ${key.vector ? 'vec4<u32>' : 'u32'};
alias Truth = ${key.vector ? 'vec4<bool>' : 'bool'};

fn isNan(x: Value) -> Truth { return (bitcast<Place>(x) & Place(0x7fffffffu)) > Place(0x7f800000u); }
// What a window's sum is divided by.
fn divisor(oy: u32, ox: u32) -> f32 {
  ${key.pad ? 'let h = min(oy * p.strideH + p.kernelH, p.inHeight + 2u * p.padH) - oy * p.strideH; let w = min(ox * p.strideW + p.kernelW, p.inWidth + 2u * p.padW) - ox * p.strideW;' : 'let h = min(oy * p.strideH + p.kernelH, p.inHeight + p.padH) - max(oy * p.strideH, p.padH); let w = min(ox * p.strideW + p.kernelW, p.inWidth + p.padW) - max(ox * p.strideW, p.padW);'}
  return f32(h * w);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  ${bodies[key.kind](key)}
}`,
  });
  return { variant: name, temporaries: [], dispatches: [made] };
}

const forwardBody = (max: boolean): string => `
  let ox = (i / p.channels) % p.outWidth;
  let oy = (i / (p.channels * p.outWidth)) % p.outHeight;
  let n = i / (p.channels * p.outWidth * p.outHeight);
  var acc = Value();
  var best = Place(0xffffffffu);
  for (var r = 0u; r < p.kernelH; r++) {
    let iy = oy * p.strideH + r - p.padH;
    if (iy >= p.inHeight) { continue; }
    for (var s = 0u; s < p.kernelW; s++) {
      let ix = ox * p.strideW + s - p.padW;
      if (ix >= p.inWidth) { continue; }
      let v = Value(x[((n * p.inHeight + iy) * p.inWidth + ix) * p.channels + c]);
      ${
        max
          ? `let wins = (best == Place(0xffffffffu)) | isNan(v) | ((v > acc) & !isNan(acc));
      acc = select(acc, v, wins);
      best = select(best, Place(iy * p.inWidth + ix), wins);`
          : 'acc += v;'
      }
    }
  }
  ${max ? 'y[i] = Stored(acc); index[i] = best;' : 'y[i] = Stored(acc / divisor(oy, ox));'}`;

const selectBody = (width: number): string => {
  const pick = (place: string, channel: string): string =>
    `x[(n * p.inHeight * p.inWidth + ${place}) * p.channels${width > 1 ? ` * ${width}u` : ''} + ${channel}]`;
  return `
  let n = i / (p.channels * p.outWidth * p.outHeight);
  let at = index[i];
  y[i] = ${width === 1 ? pick('at', 'c') : `Stored(${[0, 1, 2, 3].map((e) => pick(`at[${e}]`, `c * 4u + ${e}u`)).join(', ')})`};`;
};

function gradBody(max: boolean, apart: boolean): string {
  const add = max ? 'acc += select(Value(), Value(dy[at]), index[at] == Place(position));' : 'acc += Value(dy[at]) / divisor(oy, ox);';
  const window = `let at = ((n * p.outHeight + oy) * p.outWidth + ox) * p.channels + c;
      ${add}`;
  return `
  let ix = (i / p.channels) % p.inWidth;
  let iy = (i / (p.channels * p.inWidth)) % p.inHeight;
  let n = i / (p.channels * p.inWidth * p.inHeight);
  let position = iy * p.inWidth + ix;
  var acc = Value();
  ${
    apart
      ? `let oy = iy / p.strideH;
  let ox = ix / p.strideW;
  if (oy < p.outHeight && ox < p.outWidth) {
      ${window}
  }`
      : `// Windows from the first whose end reaches this position to the last that starts at or before it.
  let firstY = (max(iy + p.padH + 1u, p.kernelH) - p.kernelH + p.strideH - 1u) / p.strideH;
  let firstX = (max(ix + p.padW + 1u, p.kernelW) - p.kernelW + p.strideW - 1u) / p.strideW;
  let lastY = min((iy + p.padH) / p.strideH + 1u, p.outHeight);
  let lastX = min((ix + p.padW) / p.strideW + 1u, p.outWidth);
  for (var oy = firstY; oy < lastY; oy++) {
    for (var ox = firstX; ox < lastX; ox++) {
      ${window}
    }
  }`
  }
  dx[i] = Stored(acc);`;
}

const bodies: Readonly<Record<PoolKind, (key: { vector: boolean; apart: boolean }) => string>> = {
  max: () => forwardBody(true),
  avg: () => forwardBody(false),
  maxSelect: ({ vector }) => selectBody(vector ? 4 : 1),
  maxGrad: ({ apart }) => gradBody(true, apart),
  avgGrad: ({ apart }) => gradBody(false, apart),
};
