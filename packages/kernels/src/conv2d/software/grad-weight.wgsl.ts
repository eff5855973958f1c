import { alongAxes, ceilDiv, dispatch, f32, heightWidth, read, readWrite, type Scalars, u32s } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { unrolled } from '../../range.js';
import { laneMain, pickSum, quotientFunction, sharedLoads, subgroupSize } from '../../software-lanes.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { joinSplits } from '../shared/join.wgsl.js';
import { type Conv2dProblem, conv2dFlops, conv2dOutputSize, gradWeightSplits, weightDtype } from '../shared/problem.js';
import { padChannels } from './pad.wgsl.js';

/** Pixels of a row taken at once, and output channels an invocation computes. */
const strip = 4;
const width = 16;
/** Pixels one part of the sum is made of, about. */
const pixelsPerSplit = 1024;

/**
 * Weight gradient of a dense convolution for drivers that run on the CPU (see gather for what such a driver is
 * good at): an invocation owns 4 input channels of one tap, or of the three taps of a row, and 16 output channels. It
 * walks along rows of pixels four at a time: 6 loads of its own inputs serve 12 pairs of tap and pixel, and the
 * gradient, which all invocations share, is loaded by the subgroup together. Rows are cut into a fixed number of parts,
 * whose sums a second dispatch adds in order. Shapes are passed: layers share pipelines.
 */
export function planSoftwareGradWeight(problem: Conv2dProblem, target: Target): Conv2dPlan {
  const { inChannels, outChannels, dtype } = problem;
  const cut = cutOf(problem);
  const { rows, elements, splits, whole } = cut;
  const kernel = kernelOf(problem, cut, target);
  const { unroll, thin, lanes, workgroupSize, stored, types } = kernel;
  const inQuads = (slot: 'x' | 'dy', channels: number, pixels: number): ReturnType<typeof padChannels> | undefined =>
    channels % 4 === 0 || (slot === 'x' && thin > 0) ? undefined : padChannels({ slot, channels, pixels, dtype }, target);
  const x = inQuads('x', inChannels, problem.batch * problem.inHeight * problem.inWidth);
  const dy = inQuads('dy', outChannels, rows * cut.outWidth);
  const padded = [x, dy].filter((each) => each !== undefined);
  const owners = ownersOf(problem, unroll);
  const sums = dispatch(target, {
    family: 'conv2d-gradWeight-software',
    about: `The gradient of a weight for a CPU: x and dy lie NHWC. An invocation owns four input channels of one tap, or of the three taps of a row, and 16 output channels,
and walks over the pixels of one part; parts are joined by another dispatch, in order. No barriers.`,
    key: kernel,
    show: { types: (types) => types.join('-') },
    uses: lanes > 0 ? ['subgroups'] : [],
    bindings: [read('x', thin > 0 ? types[0] : `vec4<${types[0]}>`), read('dy', `vec4<${types[1]}>`), readWrite('sums', stored)],
    slots: { x: x?.temporary.slot ?? 'x', dy: dy?.temporary.slot ?? 'dy', sums: whole ? 'dw' : 'partials' },
    scalars: scalarsOf(problem, cut, owners),
    bake: 'passed',
    flops: conv2dFlops(problem),
    workgroups: [ceilDiv(owners, workgroupSize), splits, ceilDiv(outChannels, width)],
    code: source,
  });
  return {
    variant: `conv2d-gradWeight-software-${strip}x${width}-taps${unroll}`,
    temporaries: [...(whole ? [] : [{ slot: 'partials', bytes: elements * splits * 4 }]), ...padded.map(({ temporary }) => temporary)],
    dispatches: [
      ...padded.map((each) => each.dispatch),
      sums,
      ...(whole ? [] : [joinSplits(problem, { slot: 'dw', elements, splits }, { ...target, bake: false })]),
    ],
  };
}

/** How the sum over dy's rows of pixels is cut into parts. */
function cutOf(problem: Conv2dProblem) {
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const taps = problem.kernelHeight * problem.kernelWidth;
  const rows = problem.batch * outHeight;
  const elements = taps * problem.inChannels * problem.outChannels;
  const rowsPerSplit = ceilDiv(rows, gradWeightSplits(rows * outWidth, elements, pixelsPerSplit));
  const splits = ceilDiv(rows, rowsPerSplit);
  // One part alone is the gradient, and lies as the weights do.
  return { outHeight, outWidth, taps, rows, elements, rowsPerSplit, splits, whole: splits === 1 };
}
type Cut = ReturnType<typeof cutOf>;

/** Pairs of four input channels and the taps that an invocation has together. */
const ownersOf = ({ kernelHeight, kernelWidth, inChannels }: Conv2dProblem, unroll: number): number =>
  kernelHeight * (kernelWidth / unroll) * ceilDiv(inChannels, 4);

/** What the code depends on. */
function kernelOf(problem: Conv2dProblem, { whole }: Cut, target: Target) {
  const { inChannels, outChannels, kernelWidth, stride, dilation, dtype } = problem;
  const lanes = subgroupSize(target);
  // So few input channels are loaded one by one; other odd numbers are padded, and f32 then. 0 where they come in vectors.
  const thin = inChannels < 4 ? inChannels : 0;
  return {
    unroll: kernelWidth === 3 && stride[1] === 1 && dilation[1] === 1 ? 3 : 1,
    thin,
    lanes,
    workgroupSize: Math.max(8, lanes),
    /** Type of the sums. */
    stored: whole ? weightDtype(problem) : 'f32',
    /** Output channels are whole vectors. */
    quads: outChannels % 4 === 0,
    /** Of x and dy as they are read. */
    types: [thin > 0 || inChannels % 4 === 0 ? dtype : 'f32', outChannels % 4 === 0 ? dtype : 'f32'],
  } as const;
}

function scalarsOf(problem: Conv2dProblem, { outHeight, outWidth, taps, rows, rowsPerSplit, whole }: Cut, owners: number): Scalars {
  const { inChannels, outChannels } = problem;
  return {
    ...heightWidth('source', [problem.inHeight, problem.inWidth]),
    ...heightWidth('out', [outHeight, outWidth]),
    ...alongAxes('stride', problem.stride),
    ...alongAxes('padding', problem.padding),
    ...alongAxes('dilation', problem.dilation),
    ...heightWidth('kernel', [problem.kernelHeight, problem.kernelWidth]),
    ...u32s({ innerQuads: ceilDiv(inChannels, 4), inner: inChannels, outer: outChannels, owners, rows, rowsPerSplit }),
    perImage: f32(1 / outHeight),
    ...u32s({
      tapStep: whole ? 1 : inChannels * outChannels,
      innerStep: whole ? taps : outChannels,
      outerStep: whole ? inChannels * taps : 1,
    }),
  };
}

function source({ unroll, thin, lanes, workgroupSize, stored, quads: whole }: ReturnType<typeof kernelOf>): string {
  const quads = width / 4;
  const columns = strip + unroll - 1;
  /** Input channels of an invocation. */
  const own = thin || 4;
  const input = (j: number, c: number): string => (thin > 0 ? `x${j}_${c}` : `x${j}.${'xyzw'[c]}`);
  const load = (j: number): string =>
    thin > 0
      ? unrolled(
          thin,
          ' ',
          (c) => `let x${j}_${c} = select(0.0, f32(x[select(0u, (lineIn + ix${j}) * ${thin}u + ${c}u, ok${j})]), ok${j});`,
        )
      : `let x${j} = select(vec4f(), vec4f(x[select(0u, (lineIn + ix${j}) * p.innerQuads + c, ok${j})]), ok${j});`;
  const gradient = sharedLoads('d', strip * quads, { size: lanes, read: (i) => `gradient(line, ox, wid.z, ${i})` });
  // Sums of one tap and one quad of output channels take the products of all pixels in a row: 16 registers at a time.
  const products = unrolled(quads, '\n      ', (q) => {
    const values = unrolled(strip, ' ', (i) => `let g${i} = ${gradient.vector(i * quads + q)};`);
    const sums = unrolled(unroll, '\n      ', (s) =>
      unrolled(strip, '\n      ', (i) =>
        unrolled(own, ' ', (c) => `a${s * own + c}_${q} = fma(vec4f(${input(i + s, c)}), g${i}, a${s * own + c}_${q});`),
      ),
    );
    return `{ ${values}\n      ${sums} }`;
  });
  const store = (q: number): string => {
    const one = (k: number): string => `sums[to + ${4 * q + k}u * p.outerStep] = ${stored}(v${q}[${k}]);`;
    return whole
      ? `if (o + ${4 * q}u < p.outer) { ${unrolled(4, ' ', one)} }`
      : unrolled(4, ' ', (k) => `if (o + ${4 * q + k}u < p.outer) { ${one(k)} }`);
  };
  return `${quotientFunction}

// Vector i of the strip's gradients: pixel i / ${quads}, quad i % ${quads} of the block; zeros where there is none.
fn gradient(line: u32, ox: u32, block: u32, i: u32) -> vec4f {
  let quads = (p.outer + 3u) / 4u;
  let pixel = ox + i / ${quads}u;
  let quad = block * ${quads}u + i % ${quads}u;
  let some = pixel < p.outWidth && quad < quads;
  return select(vec4f(), vec4f(dy[select(0u, (line + pixel) * quads + quad, some)]), some);
}

${laneMain(workgroupSize, lanes)}
  let owner = wid.x * ${workgroupSize}u + invocation;
  let live = owner < p.owners;
  let tap = owner / p.innerQuads;
  let c = owner - tap * p.innerQuads;
  let tapColumns = p.kernelWidth${unroll > 1 ? ` / ${unroll}u` : ''};
  let r = tap / tapColumns;
  let s = (tap - r * tapColumns) * ${unroll}u;
  let height = p.sourceHeight;
  let width = p.sourceWidth;
  let strideX = p.strideX;
  let startY = r * p.dilationY - p.paddingY;
  let startX = s * p.dilationX - p.paddingX;
  ${unrolled(unroll * own, '\n  ', (e) => unrolled(quads, ' ', (q) => `var a${e}_${q} = vec4f();`))}
  let last = min((wid.y + 1u) * p.rowsPerSplit, p.rows);
  for (var row = wid.y * p.rowsPerSplit; row < last; row++) {
    let n = quotient(row, p.outHeight, p.perImage);
    let iy = (row - n * p.outHeight) * p.strideY + startY;
    let inside = live && iy < height;
    let lineIn = (n * height + iy) * width;
    let line = row * p.outWidth;
    for (var ox = 0u; ox < p.outWidth; ox += ${strip}u) {
      ${unrolled(columns, '\n      ', (j) => `let ix${j} = (ox + ${j}u) * strideX + startX; let ok${j} = inside && ix${j} < width; ${load(j)}`)}
      ${gradient.load}
      ${products}
    }
  }
  let o = wid.z * ${width}u;
  let part = wid.y * p.kernelHeight * p.kernelWidth * p.inner * p.outer;
  // A loop, and not one the driver unrolls: stores are long code.
  for (var e = 0u; e < select(0u, ${unroll * own}u, live); e++) {
    let channel = c * 4u + e % ${own}u;
    let to = part + (r * p.kernelWidth + s + e / ${own}u) * p.tapStep + channel * p.innerStep + o * p.outerStep;
    ${unrolled(quads, '\n    ', (q) => `let v${q} = ${pickSum(unroll * own, 'e', q)};`)}
    if (channel < p.inner) {
    ${unrolled(quads, '\n    ', store)}
    }
  }
}`;
}
