import { ceilDiv, dispatch, linearGroups, read, readWrite, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import {
  matrixDeclarations,
  matrixLeave,
  matrixMain,
  type MatrixProductOptions,
  matrixSums,
  matrixWalk,
  octetElement,
  type OctetWidth,
  octetWidth,
  returnOctet,
} from '../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, showMatrixShape } from '../subgroup-matrix/tile.js';
import { matrixEnables } from '../subgroup-matrix/unit.js';
import { range } from './gemm-tile.js';
import { joinSplits, joinWorkers, weightParts } from './join.wgsl.js';
import { type MatrixChoice, matrixVariant } from './matrix-gather.js';
import { type Conv2dProblem, conv2dFlops, conv2dOutputSize } from './problem.js';
import { pair, pairFunctions } from './scalar-pair.js';

/**
 * Weight gradient of a dense convolution on matrix units: rows are (tap, input channel), columns output channels, the
 * depth runs over the pixels of dy and is cut into parts. A second dispatch adds the parts in order and writes OIHW.
 */
export function planMatrixGradWeight(problem: Conv2dProblem, { splits, ...shape }: MatrixChoice, target: Target): Plan {
  const { tile } = shape;
  const { dtype, batch, inChannels, outChannels } = problem;
  const [outHeight, outWidth] = conv2dOutputSize(problem);
  const height = problem.kernelHeight * problem.kernelWidth * inChannels;
  const pixels = batch * outHeight * outWidth;
  const elements = height * outChannels;
  const code: CodeOptions = { ...shape, dtype, widthIn: octetWidth(inChannels), widthOut: octetWidth(outChannels) };
  const partial = dispatch(target, {
    name: `conv2d-gradWeight-matrix-${showMatrixShape(shape)}-${dtype}-v${code.widthIn}in-v${code.widthOut}out`,
    enables: matrixEnables,
    bindings: [
      read('x', octetElement(dtype, code.widthIn)),
      read('dy', octetElement(dtype, code.widthOut)),
      readWrite('partials', code.widthOut === 1 ? 'f32' : 'vec4<f32>'),
    ],
    scalars: {
      source: pair([problem.inHeight, problem.inWidth]),
      out: pair([outHeight, outWidth]),
      inChannels: u32(inChannels),
      outChannels: u32(outChannels),
      kernel: pair([problem.kernelHeight, problem.kernelWidth]),
      stride: pair(problem.stride),
      padding: pair(problem.padding),
      dilation: pair(problem.dilation),
      pixels: u32(pixels),
      depth: u32(ceilDiv(ceilDiv(pixels, splits), tile.k) * tile.k),
      splits: u32(splits),
    },
    flops: conv2dFlops(problem),
    workgroups: linearGroups(ceilDiv(height, tile.m) * ceilDiv(outChannels, tile.n) * splits, target),
    code: () => gradWeightCode(code),
  });
  return {
    variant: matrixVariant('gradWeight', { ...shape, splits }),
    temporaries: [{ slot: 'partials', bytes: elements * splits * 4 }],
    dispatches: [partial, joinSplits(problem, { slot: 'dw', elements, splits, workers: joinWorkers(splits, target) }, target)],
    weightParts: weightParts(problem, splits),
  };
}

interface CodeOptions extends MatrixShape {
  readonly dtype: 'f32' | 'f16';
  readonly widthIn: OctetWidth;
  readonly widthOut: OctetWidth;
}

/** Both operands are contiguous along their own side, as channels are: A lies [pixel][row], B [pixel][column]. */
function gradWeightCode(o: CodeOptions): string {
  const { tile, dtype } = o;
  const product: MatrixProductOptions = { ...o, a: 'side', b: 'side' };
  const [rowOctets, columnOctets] = [tile.m / 8, tile.n / 8];
  const taps = range(8 / o.widthIn).map((i) => i * o.widthIn);
  const store =
    o.widthOut === 1
      ? range(4)
          .map((e) => `if (column + ${e}u < p.outChannels) { partials[to + column + ${e}u] = value[${e}]; }`)
          .join(' ')
      : 'if (column < p.outChannels) { partials[(to + column) / 4u] = value; }';
  return `${pairFunctions}
${matrixDeclarations(product)}

// What a row adds to a pixel's position in x; a row past the last is never inside.
struct Tap { y: u32, x: u32, c: u32 }
fn tapOf(row: u32, height: u32) -> Tap {
  let tap = row / p.inChannels;
  let y = tap / high(p.kernel) * low(p.dilation) - low(p.padding);
  return Tap(select(0x80000000u, y, row < height), tap % high(p.kernel) * high(p.dilation) - high(p.padding), row % p.inChannels);
}
// Where a pixel of dy meets x under tap 0; a pixel past the last is never inside.
struct Base { n: u32, y: u32, x: u32 }
fn pixelOf(pixel: u32, last: u32) -> Base {
  let line = pixel / high(p.out);
  let y = line % low(p.out) * low(p.stride);
  return Base(line / low(p.out) * low(p.source), select(0x40000000u, y, pixel < last), pixel % high(p.out) * high(p.stride));
}
fn inside(base: Base, t: Tap) -> bool { return base.y + t.y < low(p.source) && base.x + t.x < high(p.source); }
fn place(base: Base, t: Tap) -> u32 { return ((base.n + base.y + t.y) * high(p.source) + base.x + t.x) * p.inChannels + t.c; }

fn fetchA(i: u32, at: u32, last: u32, ${taps.map((e) => `t${e}: Tap`).join(', ')}) -> Octet {
  let base = pixelOf(at + i / ${rowOctets}u, last);
  ${returnOctet({ dtype, width: o.widthIn, array: 'x', when: (e) => `inside(base, t${e})`, at: (e) => `place(base, t${e})` })}
}
fn fetchB(i: u32, at: u32, last: u32, column: u32) -> Octet {
  let pixel = at + i / ${columnOctets}u;
  ${returnOctet({
    dtype,
    width: o.widthOut,
    array: 'dy',
    when: (e) => `pixel < last && column + ${e}u < p.outChannels`,
    at: (e) => `pixel * p.outChannels + column + ${e}u`,
  })}
}

${matrixMain(o)}
  let height = low(p.kernel) * high(p.kernel) * p.inChannels;
  let columnTiles = (p.outChannels + ${tile.n - 1}u) / ${tile.n}u;
  let tiles = columnTiles * ((height + ${tile.m - 1}u) / ${tile.m}u);
  // Tiles run fastest: workgroups of one part read the same pixels at the same time.
  let block = wid.x + wid.y * nwg.x;
  let part = block / tiles;
  if (part >= p.splits) { return; }
  let column0 = block % tiles % columnTiles * ${tile.n}u;
  let row0 = block % tiles / columnTiles * ${tile.m}u;
  var at = part * p.depth;
  let last = min(at + p.depth, p.pixels);

  // The number of invocations is a multiple of both tiles' octets: one of them brings in the same rows and the same
  // columns at several pixels.
  let firstRow = row0 + lane % ${rowOctets}u * 8u;
  let firstColumn = column0 + lane % ${columnOctets}u * 8u;
  ${taps.map((e) => `let t${e} = tapOf(firstRow + ${e}u, height);`).join(' ')}
  ${matrixSums(o)}
  ${matrixWalk(product, {
    a: (i, at) => `fetchA(${i}, ${at}, last, ${taps.map((e) => `t${e}`).join(', ')})`,
    b: (i, at) => `fetchB(${i}, ${at}, last, firstColumn)`,
  })}

  let column = column0 + lane % ${tile.n / 4}u * 4u;
  ${matrixLeave(
    o,
    `let row = row0 + tileRow;
    if (row < height) {
      let to = (part * height + row) * p.outChannels;
      ${store}
    }`,
  )}
}`;
}
