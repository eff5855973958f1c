import { alongAxes, ceilDiv, dispatch, f32, grid, heightWidth, read, readWrite, s16, u8, u16, u32, u32s, uniform } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { unrolled } from '../../range.js';
import { pickSum, sharedLoads, subgroupSize } from '../../software-lanes.js';
import { type AxisPhase, phasesOf } from '../shared/axis-phase.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Conv2dProblem, type ImageDirection, imagesOf } from '../shared/problem.js';
import { type FilterLayout, filterBlockFloats, packFilters } from './filters.wgsl.js';
import { padChannels } from './pad.wgsl.js';
import { stripMain, stripWorkgroup } from './strip.wgsl.js';

/** Output channels an invocation computes; fewer where there are no more, as in the gradient of an image. */
const widthOf = (outer: number): number => (outer <= 4 ? 4 : 16);
/** Of how many neighbouring outputs of a row it holds sums in registers. */
const inRegisters = 4;

/**
 * Forward and input gradient of a dense convolution for drivers that run on the CPU.
 *
 * Such a driver computes a subgroup's invocations in one vector register and loads element by element, some seventy
 * instructions for a register of eight. So loads are what counts: an invocation owns a strip of 4 outputs × 16 channels (8
 * outputs where filters are many: their loads then serve twice as many products, 15 to 19 GFLOP/s); its inputs are loaded
 * once for the three taps of a row (6 loads for 12 uses); and the filter, which all invocations share, is loaded by a
 * subgroup together, one vec4 an invocation, and handed round by broadcasts, which are cheap. Sums of 4 channels stay in
 * registers through all products of a step.
 *
 * Shapes are passed, not baked: all layers of a network share two pipelines, whose compilation takes about a second.
 * Inputs of a strided convolution's gradient fall into phases (see axis-phase), one dispatch each.
 */
export function planSoftwareGather(problem: Conv2dProblem, direction: ImageDirection, target: Target): Conv2dPlan {
  const { batch, dtype } = problem;
  const forward = direction === 'forward';
  const { source: from, inner, outer } = imagesOf(problem, direction);
  const unroll = problem.kernelWidth === 3 && problem.stride[1] === 1 && problem.dilation[1] === 1 ? 3 : 1;
  const width = widthOf(outer);
  const layout: FilterLayout = {
    width,
    unroll,
    innerQuads: ceilDiv(inner, 4),
    blocks: ceilDiv(outer, width),
    flip: !forward && unroll > 1,
  };
  const packed = packFilters(problem, { layout, forward, slot: 'filters' }, target);
  const filterBytes = layout.blocks * filterBlockFloats(problem, layout) * 4;
  const shared = Math.min(target.maxUniformBinding, 65536);
  const uniformFilters = filterBytes <= shared;
  // So few channels are loaded one by one, each a vector of none but their own; other odd numbers are padded.
  const thin = inner < 4 ? inner : 0;
  const pixels = batch * from.size[0] * from.size[1];
  const padded = inner % 4 === 0 || thin > 0 ? undefined : padChannels({ slot: from.slot, channels: inner, pixels, dtype }, target);
  const [rows, columns] = [phasesOf(problem, direction, 0), phasesOf(problem, direction, 1)];
  const kernel: Kernel = {
    strip: (!uniformFilters || width === 4) && unroll === 3 && columns.every((x) => x.count % 8 === 0) ? 8 : 4,
    width,
    thin,
    unroll,
    lanes: subgroupSize(target),
    filters: uniformFilters ? shared / 16 : 0,
    vector: outer % 4 === 0,
    from: padded ? 'f32' : dtype,
    to: dtype,
  };
  const source = padded?.temporary.slot ?? from.slot;
  const product = (y: AxisPhase, x: AxisPhase): Dispatch => sumUp(problem, direction, { kernel, layout, source, phases: [y, x], target });
  return {
    variant: `conv2d-${direction}-software-${kernel.strip}x${width}-taps${unroll}`,
    temporaries: [{ slot: 'filters', bytes: Math.max(filterBytes, shared) }, ...(padded ? [padded.temporary] : [])],
    dispatches: [packed, ...(padded ? [padded.dispatch] : []), ...rows.flatMap((y) => columns.map((x) => product(y, x)))],
  };
}

interface Product {
  readonly kernel: Kernel;
  readonly layout: FilterLayout;
  /** Slot of the images, padded where they are to be. */
  readonly source: string;
  readonly phases: readonly [AxisPhase, AxisPhase];
  readonly target: Target;
}

/** The products of one phase. */
function sumUp(problem: Conv2dProblem, direction: ImageDirection, { kernel, layout, source: slot, phases, target }: Product): Dispatch {
  const [y, x] = phases;
  const { source: from, result: to, inner, outer } = imagesOf(problem, direction);
  const { thin, unroll, lanes, filters } = kernel;
  const across = layout.flip ? ascending(x) : x;
  const strips = ceilDiv(x.count, kernel.strip);
  const places = problem.batch * y.count * strips;
  return dispatch(target, {
    family: 'conv2d-gather-software',
    about: `A convolution for a CPU: source and result lie NHWC, filters in blocks as conv2d-software-filters writes them. An invocation owns a strip of
neighbouring result pixels and one block of result channels, and walks over taps and source channels. No barriers.`,
    key: kernel,
    uses: lanes > 0 ? ['subgroups'] : [],
    bindings: [
      read('source', thin > 0 ? kernel.from : `vec4<${kernel.from}>`),
      filters > 0 ? uniform('filters', `array<vec4<f32>, ${filters}>`) : read('filters', 'vec4<f32>'),
      readWrite('result', kernel.vector ? `vec4<${kernel.to}>` : kernel.to),
    ],
    slots: { source: slot, result: to.slot },
    scalars: {
      ...heightWidth('source', from.size),
      ...heightWidth('result', to.size),
      ...heightWidth('count', [y.count, x.count]),
      ...alongAxes('offset', [y.offset, across.offset], s16),
      ...alongAxes('step', [y.step, across.step], s16),
      ...alongAxes('taps', [y.taps, x.taps], u8),
      ...alongAxes('tapFirst', [y.tapFirst, x.tapFirst], u8),
      ...alongAxes('tapStep', [y.tapStep, x.tapStep], u8),
      ...alongAxes('mul', [y.mul, x.mul], u8),
      ...alongAxes('first', [y.first, x.first], u8),
      ...alongAxes('jump', [y.jump, x.jump], u8),
      ...alongAxes('spread', [y.spread, x.spread], u8),
      ...alongAxes('met', [y.met, x.met], u8),
      ...u32s({ innerQuads: layout.innerQuads, outer, blockVectors: filterBlockFloats(problem, layout) / 4 }),
      tapColumns: u16(problem.kernelWidth / unroll),
      strips: u16(strips),
      perStrip: f32(1 / strips),
      perRow: f32(1 / y.count),
      places: u32(places),
    },
    bake: 'passed',
    flops: 2 * problem.batch * y.count * x.count * y.taps * x.taps * inner * outer,
    workgroups: grid(places, target, { threads: stripWorkgroup, layers: layout.blocks }),
    code: source,
  });
}

/** What the code depends on. */
interface Kernel {
  /** Neighbouring outputs of a row that one invocation computes. */
  readonly strip: 4 | 8;
  /** Channels it computes. */
  readonly width: number;
  /** Channels summed over, where they are fewer than a vector; 0 where they come in vectors. */
  readonly thin: number;
  /** Taps of a row whose inputs are loaded together. */
  readonly unroll: number;
  /** Invocations of a subgroup; 0 where unknown. */
  readonly lanes: number;
  /** Vectors of the uniform binding that holds the filters; 0 when they lie in storage. */
  readonly filters: number;
  /** Results are stored four channels at a time. */
  readonly vector: boolean;
  /** Types of the source (padded ones are f32) and the result. */
  readonly from: 'f32' | 'f16';
  readonly to: 'f32' | 'f16';
}

/** The same phase with its taps counted from the other end. */
const ascending = (phase: AxisPhase): AxisPhase => ({ ...phase, offset: phase.offset + phase.step * (phase.taps - 1), step: -phase.step });

function source({ strip, width, thin, unroll, lanes, vector, to }: Kernel): string {
  const quads = width / 4;
  const columns = strip + unroll - 1;
  const tile = unroll * width;
  const filter = sharedLoads('w', tile, { size: lanes, read: (i) => `filters[at + ${i}]` });
  const bias = sharedLoads('b', quads, { size: lanes, read: (i) => `filters[wid.z * p.blockVectors + ${i}]` });
  const input = (j: number, c: number): string => (thin > 0 ? `x${j}_${c}` : `x${j}.${'xyzw'[c]}`);
  const load = (j: number): string =>
    thin > 0
      ? unrolled(thin, ' ', (c) => `let x${j}_${c} = select(0.0, f32(source[from${j} + ${c}u]), ok${j});`)
      : `let x${j} = select(vec4f(), vec4f(source[from${j} + c]), ok${j});`;
  // Sums of one quad of channels and four outputs take all their products in a row: 16 registers at a time.
  const products = unrolled(quads * (strip / inRegisters), '\n      ', (part) => {
    const [q, first] = [part % quads, Math.floor(part / quads) * inRegisters];
    return unrolled(unroll, '\n      ', (s) =>
      unrolled(thin || 4, '\n      ', (c) => {
        const sums = unrolled(
          inRegisters,
          ' ',
          (i) => `a${first + i}_${q} = fma(vec4f(${input(first + i + s, c)}), f, a${first + i}_${q});`,
        );
        return `{ let f = ${filter.vector((s * 4 + c) * quads + q)}; ${sums} }`;
      }),
    );
  });
  const store = (q: number): string =>
    vector
      ? `if (o + ${4 * q}u < p.outer) { result[to / 4u + ${q}u] = vec4<${to}>(select(vec4f(), v${q}, met)); }`
      : unrolled(4, ' ', (k) => `if (o + ${4 * q + k}u < p.outer) { result[to + ${4 * q + k}u] = ${to}(select(0.0, v${q}[${k}], met)); }`);
  return `${stripMain({ strip, lanes, lines: 'p.countHeight' })}
  let mulX = p.mulX;
  let sy0 = jy * p.mulY + p.offsetY;
  let startX = jx * mulX + p.offsetX;
  let tapQuads = p.innerQuads * ${tile}u;
  ${bias.load}
  ${unrolled(quads, ' ', (q) => `let b_${q} = ${bias.vector(q)};`)}
  ${unrolled(strip, '\n  ', (i) => unrolled(quads, ' ', (q) => `var a${i}_${q} = b_${q};`))}
  for (var r = 0u; r < p.tapsY; r++) {
    let sy = sy0 + r * p.stepY;
    let row = (n * height + sy) * width;
    let inside = live && sy < height;
    let tapRow = (p.tapFirstY + r * p.tapStepY) * p.tapColumns + p.tapFirstX;
    for (var s = 0u; s < ${unroll === 1 ? 'p.tapsX' : '1u'}; s++) {
      ${unrolled(columns, '\n      ', (j) => `let sx${j} = startX + ${j}u${unroll === 1 ? ' * mulX' : ''} + s * p.stepX; let ok${j} = inside && sx${j} < width; let from${j} = select(0u, (row + sx${j}) * ${thin > 0 ? `${thin}u` : 'p.innerQuads'}, ok${j});`)}
      var at = wid.z * p.blockVectors + ${quads}u + (tapRow + s * p.tapStepX) * tapQuads;
      for (var c = 0u; c < p.innerQuads; c++) {
      ${unrolled(columns, '\n      ', load)}
      ${filter.load}
      ${products}
      at += ${tile}u;
      }
    }
  }
  let o = wid.z * ${width}u;
  let firstY = p.firstY + jy * p.jumpY;
  let spreadY = min(p.spreadY, p.resultHeight - firstY);
  // A loop, and not one the driver unrolls: stores are long code.
  for (var i = 0u; i < select(0u, min(p.countWidth - jx, ${strip}u), live); i++) {
    let firstX = p.firstX + (jx + i) * p.jumpX;
    let spreadX = min(p.spreadX, p.resultWidth - firstX);
    ${unrolled(quads, '\n    ', (q) => `let v${q} = ${pickSum(strip, 'i', q)};`)}
    for (var y = 0u; y < spreadY; y++) {
      for (var x = 0u; x < spreadX; x++) {
        let met = y == p.metY && x == p.metX;
        let to = ((n * p.resultHeight + firstY + y) * p.resultWidth + firstX + x) * p.outer + o;
        ${unrolled(quads, '\n        ', store)}
      }
    }
  }
}`;
}
