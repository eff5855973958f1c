import { type Carried, carry, type GemmChoice, loadQuad, tileAbout } from '../gemm/tile.js';
import { ceilDiv, dispatch, linearGroups, mainOf, read, readWrite, rolls, single, u32, u32s } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { range, unrolled } from '../range.js';
import { tilePlace } from '../tile-place.wgsl.js';
import { showTile, type Tile, tileThreads } from '../tile-rules.js';
import { joinMatmul } from './join.wgsl.js';
import type { MatmulProblem } from './shared/problem.js';

/** Bytes of both operands' tiles. */
export const matmulTileBytes = ({ m, n, k }: Tile): number => (m + n + 8) * k * 4;

/** Matrix product through workgroup memory. Results that are made in parts get joined by a second dispatch. */
export function planTiledMatmul(problem: MatmulProblem, { tile, splits }: GemmChoice, target: Target): Plan {
  const { m, n, k, dtype } = problem;
  const split = splits > 1;
  const code = codeOf(problem, tile, { split, target });
  const variant = `matmul-tiled-${showTile(tile)}${split ? `-split${splits}` : ''}`;
  const vector = (whole: boolean, type: string): string => (whole ? `vec4<${type}>` : type);
  const main = dispatch(target, {
    family: 'matmul-tiled',
    key: code,
    show: { tile: showTile },
    about: `A tiled matrix product. ${tileAbout(tile)} in blocks of 4 x 4.
a and b lie as the transpositions say. tileA holds [depth][row], tileB [depth][column], as vectors of 4; a depth's
line is one vector longer than it fills where the operand lies along its depth (banks). Barriers: tiles are complete before they are read, and read before they are overwritten.`,
    bindings: [
      read('a', vector(code.vectorA, dtype)),
      read('b', vector(code.vectorB, dtype)),
      ...(code.bias ? [read('bias', vector(code.vectorOut, dtype))] : []),
      readWrite('y', vector(code.vectorOut, code.out)),
    ],
    slots: split ? { y: 'partials' } : {},
    bake: 'shared',
    scalars: {
      ...u32s({ m, n, k, depth: ceilDiv(ceilDiv(k, splits), tile.k) * tile.k, splits }),
      ...(code.rolled ? { steps: u32(tile.k / 4) } : {}),
    },
    flops: 2 * m * n * k,
    workgroups: linearGroups(ceilDiv(m, tile.m) * ceilDiv(n, tile.n) * splits, target),
    code: tiledCode,
  });
  if (!split) return single(main, variant);
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: m * n * splits * 4 }],
    dispatches: [main, joinMatmul(problem, splits, target)],
  };
}

/** What the text depends on. */
function codeOf(problem: MatmulProblem, tile: Tile, { split, target }: { split: boolean; target: Target }) {
  const { m, n, k, dtype, transposeA, transposeB, bias } = problem;
  const wholeDepth = k % tile.k === 0;
  return {
    tile,
    dtype,
    out: split ? ('f32' as const) : dtype,
    transposeA,
    transposeB,
    /** Whether lines of the operands, and of the result, are whole vectors. */
    vectorA: (transposeA ? m : k) % 4 === 0,
    vectorB: (transposeB ? k : n) % 4 === 0,
    vectorOut: n % 4 === 0,
    bias: bias && !split,
    /** All tiles of the operand are whole. */
    wholeA: wholeDepth && m % tile.m === 0,
    wholeB: wholeDepth && n % tile.n === 0,
    /** Results are parts of sums. */
    split,
    /** Loops that a compiler cannot unroll (see `carry`). */
    rolled: rolls(target),
  };
}

/** An operand's side of the product: rows of a, or columns of b. */
interface Side {
  readonly name: 'a' | 'b';
  readonly memory: string;
  /** Of the tile. */
  readonly size: number;
  /** Vectors of an invocation, and invocations along this side. */
  readonly own: number;
  readonly threads: number;
  /** WGSL of the whole side's length, the tile's first line, and the invocation's place. */
  readonly length: string;
  readonly first: string;
  readonly place: string;
  /** Neighbours in memory follow the depth, not the side. */
  readonly alongDepth: boolean;
  readonly vector: boolean;
  readonly whole: boolean;
}

function tiledCode(o: ReturnType<typeof codeOf>): string {
  const { tile } = o;
  const threads = tileThreads(tile);
  const [threadsM, threadsN] = [tile.m / tile.threadM, tile.n / tile.threadN];
  const a: Side = {
    ...{ name: 'a', memory: 'tileA', size: tile.m, own: tile.threadM / 4, threads: threadsM, length: 'p.m', first: 'row0', place: 'ty' },
    ...{ alongDepth: !o.transposeA, vector: o.vectorA, whole: o.wholeA },
  };
  const b: Side = {
    ...{ name: 'b', memory: 'tileB', size: tile.n, own: tile.threadN / 4, threads: threadsN, length: 'p.n', first: 'column0', place: 'tx' },
    ...{ alongDepth: o.transposeB, vector: o.vectorB, whole: o.wholeB },
  };
  const sums = range(tile.threadM);
  const quads = range(b.own);
  const product = (e: number): string => `
      ${range(a.own)
        .map((i) => `let v${e}_${i} = ${held(a, e, i)};`)
        .join(' ')}
      ${quads.map((j) => `let w${e}_${j} = ${held(b, e, j)};`).join(' ')}
      ${sums.map((i) => quads.map((j) => `c${i}_${j} = fma(vec4f(v${e}_${i >> 2}[${i & 3}]), w${e}_${j}, c${i}_${j});`).join(' ')).join('\n      ')}`;
  const column = (j: number): string => `(column0 + (tx + ${j * threadsN}u) * 4u)`;
  const store = (i: number, j: number): string => {
    const sum = `c${i}_${j}${o.bias ? ` + bias${j}` : ''}`;
    if (o.vectorOut) return `if (${column(j)} < p.n) { y[(to + ${column(j)}) / 4u] = vec4<${o.out}>(${sum}); }`;
    return unrolled(4, ' ', (e) => `if (${column(j)} + ${e}u < p.n) { y[to + ${column(j)} + ${e}u] = ${o.out}((${sum})[${e}]); }`);
  };
  // Past the last column any value does, it is never stored.
  const bias = (j: number): string =>
    o.vectorOut
      ? `vec4f(bias[min(${column(j)}, p.n - 4u) / 4u])`
      : `vec4f(${unrolled(4, ', ', (e) => `f32(bias[min(${column(j)} + ${e}u, p.n - 1u)])`)})`;
  return `
var<workgroup> tileA: array<vec4f, ${tile.k * lineQuads(a)}>;
var<workgroup> tileB: array<vec4f, ${tile.k * lineQuads(b)}>;

${mainOf(threads)}
  ${tilePlace({ tile, rows: 'p.m', columns: 'p.n', depth: 'p.k', why: 'Columns run fastest: workgroups that read the same rows run at the same time.' })}
  let ty = lane / ${threadsN}u;
  let tx = lane % ${threadsN}u;
  ${sums.map((i) => quads.map((j) => `var c${i}_${j} = vec4f();`).join(' ')).join('\n  ')}
  for (; at < last; at += ${tile.k}u) {
    ${carry([carried(a, tile.k), carried(b, tile.k)], { threads, rolled: o.rolled })}
    // The tiles are complete before anyone reads them …
    workgroupBarrier();
    for (var q = 0u; q < ${o.rolled ? 'p.steps' : `${tile.k / 4}u`}; q++) {
      ${unrolled(4, '', product)}
    }
    // … and read before anyone overwrites them.
    workgroupBarrier();
  }
  ${o.bias ? quads.map((j) => `let bias${j} = ${bias(j)};`).join('\n  ') : ''}
  ${sums
    .map(
      (i) => `{
    let row = row0 + (ty + ${(i >> 2) * threadsM}u) * 4u + ${i & 3}u;
    if (row < p.m) {
      let to = ${o.split ? '(part * p.m + row)' : 'row'} * p.n;
      ${quads.map((j) => store(i, j)).join(' ')}
    }
  }`,
    )
    .join('\n  ')}
}`;
}

/** Vectors of one depth in workgroup memory: one more than its lines where those come four depths at a time, so that these fall into other banks. */
const lineQuads = ({ size, alongDepth }: Side): number => size / 4 + (alongDepth ? 1 : 0);

/** Vector `i` of the invocation's block at depth `q · 4 + e`. */
const held = (side: Side, e: number, i: number): string =>
  `${side.memory}[(q * 4u + ${e}u) * ${lineQuads(side)}u + ${side.place} + ${i * side.threads}u]`;

/** Entries of a tile: four neighbours in memory, along the depth or along the side. */
function carried(side: Side, k: number): Carried {
  const { name, memory, size, length, first, alongDepth, vector, whole } = side;
  const quads = size / 4;
  const lines = lineQuads(side);
  const [line, depth] = alongDepth
    ? [`${first} + i / ${k / 4}u`, `at + i % ${k / 4}u * 4u`]
    : [`${first} + i % ${quads}u * 4u`, `at + i / ${quads}u`];
  const from = alongDepth ? 'line * p.k + depth' : `depth * ${length} + line`;
  const load = loadQuad(name, {
    vector,
    here: !whole && ((e) => (alongDepth ? `line < ${length} && depth + ${e}u < last` : `line + ${e}u < ${length} && depth < last`)),
    at: (e) => (vector ? `(${from}) / 4u` : `${from} + ${e}u`),
  });
  return {
    entries: (size * k) / 4,
    load: `let line = ${line}; let depth = ${depth}; ${load}`,
    put: alongDepth
      ? `let to = i % ${k / 4}u * ${4 * lines}u + i / ${k}u;
      ${unrolled(4, ' ', (e) => `${memory}[to + ${e * lines}u][i / ${k / 4}u % 4u] = value[${e}];`)}`
      : `${memory}[i] = value;`,
  };
}
