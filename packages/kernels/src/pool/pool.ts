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

/**
 * `max`: x → y, index (the window's winner as row · width + column; the first of equals, of NaNs the last, as PyTorch).
 * `maxGrad`: dy, index → dx. `maxSelect`: x, index → y, what lies at the winners' places (maxGrad's own gradient).
 * `avg`: x → y. `avgGrad`: dy → dx.
 * The gradients gather: every input position looks at the windows that contain it, in order, so nothing is added twice
 * at once and the bits repeat.
 */
export function planPool(problem: PoolProblem, kind: 'max' | 'maxGrad' | 'maxSelect' | 'avg' | 'avgGrad', target: Target): Plan {
  const { dtype, batch, channels } = problem;
  const [outHeight, outWidth] = poolOutputSize(problem);
  const forward = !kind.endsWith('Grad');
  const count = batch * channels * (forward ? outHeight * outWidth : problem.inHeight * problem.inWidth);
  const bindings = {
    max: [read('x', dtype), readWrite('y', dtype), readWrite('index', 'u32')],
    maxGrad: [read('dy', dtype), read('index', 'u32'), readWrite('dx', dtype)],
    maxSelect: [read('x', dtype), read('index', 'u32'), readWrite('y', dtype)],
    avg: [read('x', dtype), readWrite('y', dtype)],
    avgGrad: [read('dy', dtype), readWrite('dx', dtype)],
  }[kind];
  const pad = problem.countIncludePad !== false;
  const name = `pool-${kind}-${dtype}${kind.startsWith('avg') && !pad ? '-nopad' : ''}`;
  const made = dispatch(target, {
    name,
    enables: dtype === 'f16' ? ['f16'] : [],
    bindings,
    scalars: {
      count: u32(count),
      channels: u32(channels),
      inHeight: u32(problem.inHeight),
      inWidth: u32(problem.inWidth),
      outHeight: u32(outHeight),
      outWidth: u32(outWidth),
      kernelH: u32(problem.kernel[0]),
      kernelW: u32(problem.kernel[1]),
      strideH: u32(problem.stride[0]),
      strideW: u32(problem.stride[1]),
      padH: u32(problem.padding[0]),
      padW: u32(problem.padding[1]),
    },
    workgroups: linearGroups(ceilDiv(count, 64), target),
    code: () => `
fn isNan(x: f32) -> bool { return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u; }
// What a window's sum is divided by.
fn divisor(oy: u32, ox: u32) -> f32 {
  ${pad ? 'let h = min(oy * p.strideH + p.kernelH, p.inHeight + 2u * p.padH) - oy * p.strideH; let w = min(ox * p.strideW + p.kernelW, p.inWidth + 2u * p.padW) - ox * p.strideW;' : 'let h = min(oy * p.strideH + p.kernelH, p.inHeight + p.padH) - max(oy * p.strideH, p.padH); let w = min(ox * p.strideW + p.kernelW, p.inWidth + p.padW) - max(ox * p.strideW, p.padW);'}
  return f32(h * w);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }
  let c = i % p.channels;
  ${kind === 'maxSelect' ? selectBody : forward ? forwardBody(kind === 'max', dtype) : gradBody(kind === 'maxGrad', dtype)}
}`,
  });
  return { variant: name, temporaries: [], dispatches: [made] };
}

const forwardBody = (max: boolean, dtype: string): string => `
  let ox = (i / p.channels) % p.outWidth;
  let oy = (i / (p.channels * p.outWidth)) % p.outHeight;
  let n = i / (p.channels * p.outWidth * p.outHeight);
  var acc = 0.0;
  var best = 0xffffffffu;
  for (var r = 0u; r < p.kernelH; r++) {
    let iy = oy * p.strideH + r - p.padH;
    if (iy >= p.inHeight) { continue; }
    for (var s = 0u; s < p.kernelW; s++) {
      let ix = ox * p.strideW + s - p.padW;
      if (ix >= p.inWidth) { continue; }
      let v = f32(x[((n * p.inHeight + iy) * p.inWidth + ix) * p.channels + c]);
      ${max ? 'if (best == 0xffffffffu || isNan(v) || (v > acc && !isNan(acc))) { acc = v; best = iy * p.inWidth + ix; }' : 'acc += v;'}
    }
  }
  ${max ? `y[i] = ${dtype}(acc); index[i] = best;` : `y[i] = ${dtype}(acc / divisor(oy, ox));`}`;

const selectBody = `
  let n = i / (p.channels * p.outWidth * p.outHeight);
  y[i] = x[(n * p.inHeight * p.inWidth + index[i]) * p.channels + c];`;

const gradBody = (max: boolean, dtype: string): string => `
  let ix = (i / p.channels) % p.inWidth;
  let iy = (i / (p.channels * p.inWidth)) % p.inHeight;
  let n = i / (p.channels * p.inWidth * p.inHeight);
  let position = iy * p.inWidth + ix;
  // Windows from the first whose end reaches this position to the last that starts at or before it.
  let firstY = (max(iy + p.padH + 1u, p.kernelH) - p.kernelH + p.strideH - 1u) / p.strideH;
  let firstX = (max(ix + p.padW + 1u, p.kernelW) - p.kernelW + p.strideW - 1u) / p.strideW;
  let lastY = min((iy + p.padH) / p.strideH + 1u, p.outHeight);
  let lastX = min((ix + p.padW) / p.strideW + 1u, p.outWidth);
  var acc = 0.0;
  for (var oy = firstY; oy < lastY; oy++) {
    for (var ox = firstX; ox < lastX; ox++) {
      let at = ((n * p.outHeight + oy) * p.outWidth + ox) * p.channels + c;
      ${max ? 'if (index[at] == position) { acc += f32(dy[at]); }' : 'acc += f32(dy[at]) / divisor(oy, ox);'}
    }
  }
  dx[i] = ${dtype}(acc);`;
