import { alongAxes, type BindingSpec, entry, f32, grid, heightWidth, planSingle, read, readWrite, u32, u32s } from '../kernel.js';
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
  /** Of maxima: pixels from one element of the window to the next; default 1. */
  readonly dilation?: readonly [number, number];
  /** A last window that reaches beyond the padding counts, too. */
  readonly ceilMode?: boolean;
  readonly dtype: 'f32' | 'f16';
  /** Average pooling divides by the whole window, padding included (PyTorch's default). */
  readonly countIncludePad?: boolean;
  /** Average pooling divides by this instead. */
  readonly divisorOverride?: number | undefined;
}

/** Pixels that a window reaches over. */
const reach = ({ kernel, dilation = [1, 1] }: Pick<PoolProblem, 'kernel' | 'dilation'>): readonly [number, number] => [
  (kernel[0] - 1) * dilation[0] + 1,
  (kernel[1] - 1) * dilation[1] + 1,
];

export function poolOutputSize(
  p: Pick<PoolProblem, 'inHeight' | 'inWidth' | 'kernel' | 'stride' | 'padding' | 'dilation' | 'ceilMode'>,
): [number, number] {
  const over = reach(p);
  const along = (size: number, axis: 0 | 1): number => {
    const [step, pad] = [p.stride[axis], p.padding[axis]];
    const steps = (size + 2 * pad - over[axis]) / step;
    if (!p.ceilMode) return Math.floor(steps) + 1;
    // A window has to begin in the image or in the padding before it.
    const last = Math.ceil(steps);
    return (last * step >= size + pad ? last - 1 : last) + 1;
  };
  return [along(p.inHeight, 0), along(p.inWidth, 1)];
}

export type PoolKind = 'max' | 'maxGrad' | 'maxSelect' | 'avg' | 'avgGrad';

/** What a kernel of a kind reads and writes, channel by channel or in vectors. */
export function poolBindings(kind: PoolKind, dtype: 'f32' | 'f16', vector: boolean): BindingSpec[] {
  const [value, place] = vector ? [`vec4<${dtype}>`, 'vec4<u32>'] : [dtype, 'u32'];
  return {
    max: [read('x', value), readWrite('y', value), readWrite('index', place)],
    maxGrad: [read('dy', value), read('index', place), readWrite('dx', value)],
    maxSelect: [read('x', dtype), read('index', place), readWrite('y', value)],
    avg: [read('x', value), readWrite('y', value)],
    avgGrad: [read('dy', value), readWrite('dx', value)],
  }[kind];
}

/**
 * `max`: x → y, index (the window's winner as row · width + column; the first of equals, of NaNs the last, as PyTorch).
 * `maxGrad`: dy, index → dx. `maxSelect`: x, index → y, what lies at the winners' places (maxGrad's own gradient).
 * `avg`: x → y. `avgGrad`: dy → dx.
 * The gradients gather: every input position looks at the windows that contain it, in order, so nothing is added twice
 * at once and the bits repeat. An invocation takes four channels where they are whole vectors.
 */
export function planPool(problem: PoolProblem, kind: PoolKind, target: Target): Plan {
  const { dtype, batch, channels, kernel, stride, padding, dilation = [1, 1], divisorOverride } = problem;
  const [outHeight, outWidth] = poolOutputSize(problem);
  const forward = !kind.endsWith('Grad');
  const vector = channels % 4 === 0;
  const width = vector ? 4 : 1;
  const count = (batch * channels * (forward ? outHeight * outWidth : problem.inHeight * problem.inWidth)) / width;
  const average = kind.startsWith('avg');
  const pad = problem.countIncludePad !== false;
  const divisor = average && divisorOverride !== undefined;
  const over = reach(problem);
  // Windows side by side: each position lies in one at most.
  const apart = !forward && over.every((k, axis) => k === stride[axis]) && padding.every((size) => size === 0);
  const dilated = (kind === 'max' || kind === 'maxSelect') && dilation.some((d) => d !== 1);
  const parts = { v4: vector, nopad: average && !pad, apart, dilated, divisor };
  const name = ['pool', kind, dtype, ...Object.entries(parts).flatMap(([part, there]) => (there ? [part] : []))].join('-');
  return planSingle(name, target, {
    family: 'pool',
    about: `Everything lies NHWC; index holds the place of each maximum in its image. An invocation owns one element, or a quad of channels, of the result and walks
through the window that meets it, always in the same order. No barriers.`,
    key: { kind, dtype, vector, pad: !average || pad, apart, dilated, divisor },
    bindings: poolBindings(kind, dtype, vector),
    scalars: {
      ...u32s({ count, channels: channels / width }),
      ...heightWidth('in', [problem.inHeight, problem.inWidth], u32),
      ...heightWidth('out', [outHeight, outWidth], u32),
      // What looks back from a position to its windows asks how far they reach.
      ...heightWidth('kernel', forward ? kernel : over, u32),
      ...alongAxes('stride', stride, u32),
      ...alongAxes('padding', padding, u32),
      ...(kind === 'max' && dilated ? alongAxes('dilation', dilation, u32) : {}),
      ...(divisor ? { fixedDivisor: f32(divisorOverride) } : {}),
    },
    workgroups: grid(count, target),
    code: (key) => `
// What is stored, its value, a place in an image, and a truth for each channel.
alias Stored = ${key.vector ? `vec4<${key.dtype}>` : key.dtype};
alias Value = ${key.vector ? 'vec4<f32>' : 'f32'};
alias Place = ${key.vector ? 'vec4<u32>' : 'u32'};
alias Truth = ${key.vector ? 'vec4<bool>' : 'bool'};

fn isNan(x: Value) -> Truth { return (bitcast<Place>(x) & Place(0x7fffffffu)) > Place(0x7f800000u); }
// What a window's sum is divided by.
fn divisor(oy: u32, ox: u32) -> f32 {
  ${divisorText(key)}
}

${entry('i', 'p.count')}
  let c = i % p.channels;
  ${bodies[key.kind](key)}
}`,
  });
}

const divisorText = ({ pad, divisor }: { pad: boolean; divisor: boolean }): string => {
  if (divisor) return 'return p.fixedDivisor;';
  return `${
    pad
      ? 'let h = min(oy * p.strideY + p.kernelHeight, p.inHeight + 2u * p.paddingY) - oy * p.strideY; let w = min(ox * p.strideX + p.kernelWidth, p.inWidth + 2u * p.paddingX) - ox * p.strideX;'
      : 'let h = min(oy * p.strideY + p.kernelHeight, p.inHeight + p.paddingY) - max(oy * p.strideY, p.paddingY); let w = min(ox * p.strideX + p.kernelWidth, p.inWidth + p.paddingX) - max(ox * p.strideX, p.paddingX);'
  }
  return f32(h * w);`;
};

/** Taps far apart may all lie in the padding. */
const nothingIsLeast = 'acc = select(acc, bitcast<Value>(Place(0xff800000u | (i & 0u))), best == Place(0xffffffffu));\n  ';

const forwardBody = (max: boolean, dilated = false): string => `
  let ox = (i / p.channels) % p.outWidth;
  let oy = (i / (p.channels * p.outWidth)) % p.outHeight;
  let n = i / (p.channels * p.outWidth * p.outHeight);
  var acc = Value();
  var best = Place(0xffffffffu);
  for (var r = 0u; r < p.kernelHeight; r++) {
    let iy = oy * p.strideY + r${dilated ? ' * p.dilationY' : ''} - p.paddingY;
    if (iy >= p.inHeight) { continue; }
    for (var s = 0u; s < p.kernelWidth; s++) {
      let ix = ox * p.strideX + s${dilated ? ' * p.dilationX' : ''} - p.paddingX;
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
  ${dilated ? nothingIsLeast : ''}${max ? 'y[i] = Stored(acc); index[i] = best;' : 'y[i] = Stored(acc / divisor(oy, ox));'}`;

const selectBody = (width: number, dilated: boolean): string => {
  const pick = (place: string, channel: string): string =>
    `x[(n * p.inHeight * p.inWidth + ${place}) * p.channels${width > 1 ? ` * ${width}u` : ''} + ${channel}]`;
  const found = width === 1 ? pick('at', 'c') : `Stored(${[0, 1, 2, 3].map((e) => pick(`at[${e}]`, `c * 4u + ${e}u`)).join(', ')})`;
  return `
  let n = i / (p.channels * p.outWidth * p.outHeight);
  let at = index[i];
  y[i] = ${dilated ? `select(${found}, Stored(), at == Place(0xffffffffu))` : found};`;
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
      ? `let oy = iy / p.strideY;
  let ox = ix / p.strideX;
  if (oy < p.outHeight && ox < p.outWidth) {
      ${window}
  }`
      : `// Windows from the first whose end reaches this position to the last that starts at or before it.
  let firstY = (max(iy + p.paddingY + 1u, p.kernelHeight) - p.kernelHeight + p.strideY - 1u) / p.strideY;
  let firstX = (max(ix + p.paddingX + 1u, p.kernelWidth) - p.kernelWidth + p.strideX - 1u) / p.strideX;
  let lastY = min((iy + p.paddingY) / p.strideY + 1u, p.outHeight);
  let lastX = min((ix + p.paddingX) / p.strideX + 1u, p.outWidth);
  for (var oy = firstY; oy < lastY; oy++) {
    for (var ox = firstX; ox < lastX; ox++) {
      ${window}
    }
  }`
  }
  dx[i] = Stored(acc);`;
}

const bodies: Readonly<Record<PoolKind, (key: { vector: boolean; apart: boolean; dilated: boolean }) => string>> = {
  max: ({ dilated }) => forwardBody(true, dilated),
  avg: () => forwardBody(false),
  maxSelect: ({ vector, dilated }) => selectBody(vector ? 4 : 1, dilated),
  maxGrad: ({ apart }) => gradBody(true, apart),
  avgGrad: ({ apart }) => gradBody(false, apart),
};
