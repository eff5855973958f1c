import { ceilDiv, dispatch, linearGroups, read, readWrite } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { range, unrolled } from '../../range.js';
import {
  type MatrixProductOptions,
  matrixDeclarations,
  matrixLeave,
  matrixMain,
  matrixSums,
  matrixWalk,
  type OctetWidth,
  octetElement,
  octetWidth,
  returnOctet,
} from '../../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, matrixAbout, showShape } from '../../subgroup-matrix/tile.js';
import { matrixUses } from '../../subgroup-matrix/unit.js';
import { tilePlace } from '../../tile-place.wgsl.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { gradWeightAddress, gradWeightSizes } from '../shared/grad-weight-address.wgsl.js';
import { joinedGradWeight } from '../shared/join.wgsl.js';
import { type Conv2dProblem, conv2dFlops } from '../shared/problem.js';
import { type MatrixChoice, matrixVariant } from './gather.js';

/**
 * Weight gradient of a dense convolution on matrix units: rows are (tap, input channel), columns output channels, the
 * depth runs over the pixels of dy and is cut into parts. A second dispatch adds the parts in order and writes OIHW.
 */
export function planMatrixGradWeight(problem: Conv2dProblem, { splits, ...shape }: MatrixChoice, target: Target): Conv2dPlan {
  const { tile } = shape;
  const { dtype, inChannels, outChannels } = problem;
  const { height, scalars } = gradWeightSizes(problem, { splits, tile });
  const code: CodeOptions = { ...shape, dtype, widthIn: octetWidth(inChannels), widthOut: octetWidth(outChannels) };
  const partial = dispatch(target, {
    family: 'conv2d-gradWeight-matrix',
    key: code,
    show: showShape,
    about: `The gradient of a weight as a matrix product: rows are (tap, input channel), columns output channels, the depth is the pixels of dy, cut into parts.
x and dy lie NHWC; partials lie [part][tap][input channel][output channel], and another dispatch adds the parts in order.
${matrixAbout(shape)} All are of one part.
memory holds A [pixel][row], then B [pixel][column], in vectors of 8 halves, each line one vector longer than it fills (banks); later the results on their way out.
Barriers: operands are complete before they are loaded, and loaded before the next ones (or the results) overwrite them.`,
    uses: matrixUses,
    bindings: [
      read('x', octetElement(dtype, code.widthIn)),
      read('dy', octetElement(dtype, code.widthOut)),
      readWrite('partials', code.widthOut === 1 ? 'f32' : 'vec4<f32>'),
    ],
    scalars,
    flops: conv2dFlops(problem),
    workgroups: linearGroups(ceilDiv(height, tile.m) * ceilDiv(outChannels, tile.n) * splits, target),
    code: gradWeightCode,
  });
  return joinedGradWeight(problem, { variant: matrixVariant('gradWeight', { ...shape, splits }), partial, splits }, target);
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
      ? unrolled(4, ' ', (e) => `if (column + ${e}u < p.groupOut) { partials[to + column + ${e}u] = value[${e}]; }`)
      : 'if (column < p.groupOut) { partials[(to + column) / 4u] = value; }';
  return `${gradWeightAddress}
${matrixDeclarations(product)}

fn fetchA(i: u32, at: u32, last: u32, ${taps.map((e) => `t${e}: Tap`).join(', ')}) -> Octet {
  let base = pixelOf(at + i / ${rowOctets}u, last);
  ${returnOctet({ dtype, width: o.widthIn, array: 'x', when: (e) => `inside(base, t${e})`, at: (e) => `place(base, t${e}) * p.groupIn + t${e}.c` })}
}
fn fetchB(i: u32, at: u32, last: u32, column: u32) -> Octet {
  let pixel = at + i / ${columnOctets}u;
  ${returnOctet({
    dtype,
    width: o.widthOut,
    array: 'dy',
    when: (e) => `pixel < last && column + ${e}u < p.groupOut`,
    at: (e) => `pixel * p.groupOut + column + ${e}u`,
  })}
}

${matrixMain(o)}
  let height = p.kernelHeight * p.kernelWidth * p.groupIn;
  ${tilePlace({ tile, rows: 'height', columns: 'p.groupOut', depth: 'p.pixels', why: 'Tiles run fastest: workgroups of one part read the same pixels at the same time.' })}

  // The number of invocations is a multiple of both tiles' octets: one of them brings in the same rows and the same
  // columns at several pixels.
  let firstRow = row0 + lane % ${rowOctets}u * 8u;
  let firstColumn = column0 + lane % ${columnOctets}u * 8u;
  ${taps.map((e) => `let t${e} = tapOf(firstRow + ${e}u, height, 0u);`).join(' ')}
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
      let to = (part * height + row) * p.groupOut;
      ${store}
    }`,
  )}
}`;
}
