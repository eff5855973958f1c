import { carry, type GemmChoice, loadQuad, tileAbout } from '../../gemm/tile.js';
import { ceilDiv, dispatch, linearGroups, mainOf, read, readWrite, rolls, u32 } from '../../kernel.js';
import type { Target } from '../../plan.js';
import { range, unrolled } from '../../range.js';
import { tilePlace } from '../../tile-place.wgsl.js';
import { showTile, type Tile, tileThreads } from '../../tile-rules.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { gradWeightAddress, gradWeightSizes } from '../shared/grad-weight-address.wgsl.js';
import { joinedGradWeight } from '../shared/join.wgsl.js';
import { type Conv2dProblem, conv2dFlops } from '../shared/problem.js';
import { gemmVariant } from './gather.js';

/**
 * Weight gradient as an implicit matrix product: rows are (tap, input channel), columns output channels, the depth
 * runs over the pixels of dy and is cut into parts. Both operands are contiguous along their own side, so both lie in
 * workgroup memory by depth and an invocation's block is a sum of outer products. A second dispatch adds the parts in
 * order and writes OIHW.
 */
export function planGradWeightGemm(problem: Conv2dProblem, choice: GemmChoice, target: Target): Conv2dPlan {
  const { tile, splits } = choice;
  const { dtype, groups } = problem;
  const { groupIn, groupOut, height, pixels, scalars } = gradWeightSizes(problem, choice);
  const wholeDepth = pixels % tile.k === 0;
  const everyTap = problem.kernelHeight * problem.kernelWidth === 1 && Math.max(...problem.padding) === 0;
  const code: CodeOptions = {
    tile,
    dtype,
    vectorIn: groupIn % 4 === 0,
    vectorOut: groupOut % 4 === 0,
    wholeX: wholeDepth && everyTap && height % tile.m === 0,
    wholeDy: wholeDepth && groupOut % tile.n === 0,
    rolled: rolls(target),
  };
  const partial = dispatch(target, {
    family: 'conv2d-gradWeight-gemm',
    key: code,
    show: { tile: showTile },
    about: `The gradient of a weight as a matrix product: rows are (tap, input channel), columns output channels, the depth is the pixels of dy, cut into parts.
x and dy lie NHWC; partials lie [part][tap][input channel][output channel], and another dispatch adds the parts in order.
${tileAbout(tile)} in blocks of 4 x 4. All are of one part.
tileA holds [pixel][row], tileB [pixel][column], as vectors of 4. Barriers: tiles are complete before they are read, and read before they are overwritten.`,
    bindings: [
      read('x', code.vectorIn ? `vec4<${dtype}>` : dtype),
      read('dy', code.vectorOut ? `vec4<${dtype}>` : dtype),
      readWrite('partials', code.vectorOut ? 'vec4<f32>' : 'f32'),
    ],
    bake: 'shared',
    scalars: { ...scalars, ...(code.rolled ? { steps: u32(tile.k) } : {}) },
    flops: conv2dFlops(problem),
    workgroups: linearGroups(ceilDiv(height, tile.m) * ceilDiv(groupOut, tile.n) * groups * splits, target),
    code: gradWeightCode,
  });
  return joinedGradWeight(problem, { variant: gemmVariant(problem, 'gradWeight', choice), partial, splits }, target);
}

interface CodeOptions {
  readonly tile: Tile;
  readonly dtype: 'f32' | 'f16';
  readonly vectorIn: boolean;
  readonly vectorOut: boolean;
  /** All entries of the operand's tiles are there. */
  readonly wholeX: boolean;
  readonly wholeDy: boolean;
  /** Loops that a compiler cannot unroll (see `carry`). */
  readonly rolled: boolean;
}

function gradWeightCode(o: CodeOptions): string {
  const { tile } = o;
  const threads = tileThreads(tile);
  const [threadsM, threadsN] = [tile.m / tile.threadM, tile.n / tile.threadN];
  const [rowQuads, columnQuads] = [tile.m / 4, tile.n / 4];
  const rows = range(tile.threadM / 4);
  const quads = range(tile.threadN / 4);
  const loadA = loadQuad('x', {
    vector: o.vectorIn,
    here: !o.wholeX && ((e) => `inside(base, t${e})`),
    at: (e) => `(place(base, t${e}) * channels + t${e}.c)${o.vectorIn ? ' / 4u' : ''}`,
  });
  const loadB = loadQuad('dy', {
    vector: o.vectorOut,
    here: !o.wholeDy && ((e) => `pixel < last && quad * 4u + ${e}u < p.groupOut`),
    at: (e) =>
      o.vectorOut ? '(pixel * outChannels + g * p.groupOut) / 4u + quad' : `pixel * outChannels + g * p.groupOut + quad * 4u + ${e}u`,
  });
  const carriedA = {
    entries: tile.k * rowQuads,
    load: `let base = pixelOf(at + i / ${rowQuads}u, last); ${loadA}`,
    put: 'tileA[i] = value;',
  };
  const carriedB = { entries: tile.k * columnQuads, load: `let pixel = at + i / ${columnQuads}u; ${loadB}`, put: 'tileB[i] = value;' };
  const store = (i: number, e: number, j: number): string => {
    const column = `(column0 + tx + ${j * threadsN}u)`;
    const sum = `c${i * 4 + e}_${j}`;
    if (o.vectorOut) return `if (${column} < width) { partials[to / 4u + ${column}] = ${sum}; }`;
    return unrolled(4, ' ', (f) => `if (${column} * 4u + ${f}u < p.groupOut) { partials[to + ${column} * 4u + ${f}u] = ${sum}[${f}]; }`);
  };
  const sums = range(tile.threadM);
  return `${gradWeightAddress}

var<workgroup> tileA: array<vec4f, ${tile.k * rowQuads}>;
var<workgroup> tileB: array<vec4f, ${tile.k * columnQuads}>;

${mainOf(threads)}
  let channels = p.groupIn * p.groups;
  let outChannels = p.groupOut * p.groups;
  let height = p.kernelHeight * p.kernelWidth * p.groupIn;
  let width = (p.groupOut + 3u) / 4u;
  ${tilePlace({ tile, rows: 'height', columns: 'p.groupOut', depth: 'p.pixels', grouped: true, why: 'Tiles run fastest: workgroups of one part read the same pixels at the same time.' })}

  // An invocation brings in the same quad of rows and the same quad of columns at several pixels.
  let ma = row0 + lane % ${rowQuads}u * 4u;
  ${unrolled(o.vectorIn ? 1 : 4, ' ', (e) => `let t${e} = tapOf(ma + ${e}u, height, g);`)}
  let quad = column0 + lane % ${columnQuads}u;
  let ty = lane / ${threadsN}u;
  let tx = lane % ${threadsN}u;
  ${sums.map((i) => quads.map((j) => `var c${i}_${j} = vec4f();`).join(' ')).join('\n  ')}
  for (; at < last; at += ${tile.k}u) {
    ${carry([carriedA, carriedB], { threads, rolled: o.rolled })}
    // The tiles are complete before anyone reads them …
    workgroupBarrier();
    for (var k = 0u; k < ${o.rolled ? 'p.steps' : `${tile.k}u`}; k++) {
      ${rows.map((i) => `let v${i} = tileA[k * ${rowQuads}u + ty + ${i * threadsM}u];`).join(' ')}
      ${quads.map((j) => `let w${j} = tileB[k * ${columnQuads}u + tx + ${j * threadsN}u];`).join(' ')}
      ${rows
        .map((i) =>
          unrolled(4, '\n      ', (e) =>
            quads.map((j) => `c${i * 4 + e}_${j} = fma(vec4f(v${i}[${e}]), w${j}, c${i * 4 + e}_${j});`).join(' '),
          ),
        )
        .join('\n      ')}
    }
    // … and read before anyone overwrites them.
    workgroupBarrier();
  }
  ${rows
    .map((i) =>
      unrolled(
        4,
        '\n  ',
        (e) => `{
    let row = row0 + (ty + ${i * threadsM}u) * 4u + ${e}u;
    if (row < height) {
      let to = (z / p.groups * height + row) * outChannels + g * p.groupOut;
      ${quads.map((j) => store(i, e, j)).join(' ')}
    }
  }`,
      ),
    )
    .join('\n  ')}
}`;
}
