import { ceilDiv, dispatch, linearGroups, read, readWrite, single, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { mostSplitsOf } from '../product-cost.js';
import { matrixChoices } from '../subgroup-matrix/cost.js';
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
} from '../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, matrixAbout, showMatrixShape, showShape } from '../subgroup-matrix/tile.js';
import { matrixUses } from '../subgroup-matrix/unit.js';
import { tilePlace } from '../tile-place.wgsl.js';
import { joinMatmul } from './join.wgsl.js';
import { type MatmulProblem, matmulSize } from './shared/problem.js';

/** Plans of a product on matrix units, best guess first. */
export function matrixMatmuls(problem: MatmulProblem, target: Target): Plan[] {
  const { dtype } = problem;
  const size = matmulSize(problem);
  const width = widths(problem);
  const slowness = { a: 8 / width.a, b: 8 / width.b };
  return matrixChoices(size, { dtype, joined: false, slowness, mostSplits: mostSplitsOf(size, target) }, target).map((choice) =>
    planMatrixMatmul(problem, choice, target),
  );
}

/** Neighbours that lie side by side along an operand's contiguous axis. */
const widths = ({ m, n, k, transposeA, transposeB }: MatmulProblem): { a: OctetWidth; b: OctetWidth } => ({
  a: octetWidth(transposeA ? m : k),
  b: octetWidth(transposeB ? k : n),
});

function planMatrixMatmul(problem: MatmulProblem, { shape, splits }: { shape: MatrixShape; splits: number }, target: Target): Plan {
  const { m, n, k, dtype, transposeA, transposeB } = problem;
  const { tile } = shape;
  const bias = problem.bias && splits === 1;
  const vectorOut = n % 4 === 0;
  const out = splits > 1 ? 'f32' : dtype;
  const code: CodeOptions = { ...shape, dtype, transposeA, transposeB, width: widths(problem), vectorOut, out, bias };
  const variant = `matmul-matrix-${showMatrixShape(shape)}`;
  const main = dispatch(target, {
    family: 'matmul-matrix',
    key: code,
    show: { ...showShape, width: ({ a, b }) => `${a}a${b}b` },
    about: `A matrix product on matrix units. ${matrixAbout(shape)}
memory holds A, then B, as they are stored, in vectors of 8 halves, each line one vector longer than it fills (banks); later the results on their way out.
Barriers: operands are complete before they are loaded, and loaded before the next ones (or the results) overwrite them.`,
    uses: matrixUses,
    bindings: [
      read('a', octetElement(dtype, code.width.a)),
      read('b', octetElement(dtype, code.width.b)),
      ...(bias ? [read('bias', dtype)] : []),
      readWrite('y', vectorOut ? `vec4<${out}>` : out),
    ],
    slots: splits > 1 ? { y: 'partials' } : {},
    scalars: u32s({ m, n, k, depth: ceilDiv(ceilDiv(k, splits), tile.k) * tile.k, splits }),
    flops: 2 * m * n * k,
    workgroups: linearGroups(ceilDiv(m, tile.m) * ceilDiv(n, tile.n) * splits, target),
    code: matmulCode,
  });
  if (splits === 1) return single(main, variant);
  return {
    variant: `${variant}-split${splits}`,
    temporaries: [{ slot: 'partials', bytes: m * n * splits * 4 }],
    dispatches: [main, joinMatmul(problem, splits, target)],
  };
}

interface CodeOptions extends MatrixShape, Pick<MatmulProblem, 'dtype' | 'transposeA' | 'transposeB'> {
  readonly width: { readonly a: OctetWidth; readonly b: OctetWidth };
  readonly vectorOut: boolean;
  readonly out: 'f32' | 'f16';
  readonly bias: boolean;
}

/** Operands lie in workgroup memory as they are stored, transposed or not; the fragments are loaded by rows or by columns. */
function matmulCode(o: CodeOptions): string {
  const { tile, dtype, out } = o;
  const product: MatrixProductOptions = { ...o, a: o.transposeA ? 'side' : 'depth', b: o.transposeB ? 'depth' : 'side' };
  // The octet's place along its line is the same in all lines an invocation brings in (see matrixTileFits).
  const fetch = (operand: 'A' | 'B'): string => {
    const [side, size, along, array, width] =
      operand === 'A' ? [tile.m, 'p.m', product.a, 'a', o.width.a] : ([tile.n, 'p.n', product.b, 'b', o.width.b] as const);
    const octets = (along === 'depth' ? tile.k : side) / 8;
    const [line, within] = along === 'depth' ? ['place0', 'at'] : ['at', 'place0'];
    const [k, place] = along === 'depth' ? ['within', 'line'] : ['line', 'within'];
    const more = (e: number, name: string): string => `${name}${name === 'within' && e > 0 ? ` + ${e}u` : ''}`;
    return `fn fetch${operand}(i: u32, at: u32, last: u32, place0: u32, lane: u32) -> Octet {
  let line = ${line} + i / ${octets}u;
  let within = ${within} + lane % ${octets}u * 8u;
  ${returnOctet({
    dtype,
    width,
    array,
    when: (e) => `${more(e, k)} < last && ${more(e, place)} < ${size}`,
    at: (e) => `line * ${along === 'depth' ? 'p.k' : size} + ${more(e, 'within')}`,
  })}
}`;
  };
  const quad = [0, 1, 2, 3];
  const store = o.vectorOut
    ? `if (column < p.n) { y[(to + column) / 4u] = vec4<${out}>(sum); }`
    : quad.map((e) => `if (column + ${e}u < p.n) { y[to + column + ${e}u] = ${out}(sum[${e}]); }`).join(' ');
  // Past the last column any value does, it is never stored.
  const bias = `vec4f(${quad.map((e) => `f32(bias[min(column + ${e}u, p.n - 1u)])`).join(', ')})`;
  return `${matrixDeclarations(product)}
${fetch('A')}
${fetch('B')}

${matrixMain(o)}
  ${tilePlace({ tile, rows: 'p.m', columns: 'p.n', depth: 'p.k' })}
  ${matrixSums(o)}
  ${matrixWalk(product, { a: (i, at) => `fetchA(${i}, ${at}, last, row0, lane)`, b: (i, at) => `fetchB(${i}, ${at}, last, column0, lane)` })}

  let column = column0 + lane % ${tile.n / 4}u * 4u;
  ${o.bias ? `let start = ${bias};` : ''}
  ${matrixLeave(
    o,
    `let row = row0 + tileRow;
    if (row < p.m) {
      let sum = value${o.bias ? ' + start' : ''};
      let to = (part * p.m + row) * p.n;
      ${store}
    }`,
  )}
}`;
}
