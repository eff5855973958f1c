import { ceilDiv, dispatch, read, readWrite, single, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { checkedTile, isPowerOfTwo, showTile, type Tile } from '../tile-rules.js';
import { joinMatmul } from './join.wgsl.js';
import { type MatmulProblem, matmulStrides } from './shared/problem.js';

/** A tile as the kernel takes it. */
export function matmulTile(tile: Tile): Tile {
  const { m, n, k, threadM, threadN } = tile;
  return checkedTile(tile, showTile(tile), {
    'all sides are powers of two': [m, n, k, threadM, threadN].every(isPowerOfTwo),
    'invocations divide the block': m % threadM === 0 && n % threadN === 0,
  });
}

export const matmulTiles: readonly Tile[] = [
  { m: 128, n: 128, k: 16, threadM: 8, threadN: 8 },
  { m: 64, n: 64, k: 16, threadM: 4, threadN: 4 },
  { m: 32, n: 32, k: 32, threadM: 2, threadN: 2 },
].map(matmulTile);

/** Parts of k at most; their sums are added in order by a second dispatch. */
const maxSplits = 16;

/**
 * Matrix product through workgroup memory: a workgroup loads a k-slice of its rows of A and columns of B, every thread
 * multiplies a threadM × threadN block from it. Outputs too small to fill the machine split k.
 */
export function planTiledMatmul(problem: MatmulProblem, tile: Tile, target: Target): Plan {
  const { m, n, k, dtype, bias } = problem;
  const { a, b } = matmulStrides(problem);
  const groups: [number, number] = [ceilDiv(n, tile.n), ceilDiv(m, tile.m)];
  const splits = Math.max(1, Math.min(maxSplits, Math.floor(256 / (groups[0] * groups[1])), ceilDiv(k, tile.k * 8)));
  const depth = ceilDiv(ceilDiv(k, splits), tile.k) * tile.k;
  const variant = `matmul-tiled-${showTile(tile)}${splits > 1 ? `-split${splits}` : ''}`;
  const out = splits > 1 ? 'f32' : dtype;
  const withBias = bias && splits === 1;
  const main = dispatch(target, {
    family: 'matmul-tiled',
    key: { tile, dtype, out, transposeA: problem.transposeA, transposeB: problem.transposeB, bias: withBias, split: splits > 1 },
    show: { tile: showTile },
    about: `A tiled matrix product. Tile ${showTile(tile)}: a workgroup owns ${tile.m} rows and ${tile.n} columns of y, and takes ${tile.k} of the depth at a step;
an invocation owns ${tile.threadM} rows by ${tile.threadN} columns of them.
a and b are read by their strides; tileA holds [depth][row], tileB [depth][column]. Barriers: tiles are complete before they are read, and read before they are overwritten.`,
    bindings: [read('a', dtype), read('b', dtype), ...(withBias ? [read('bias', dtype)] : []), readWrite('y', out)],
    slots: splits > 1 ? { y: 'partials' } : {},
    bake: 'shared',
    scalars: {
      m: u32(m),
      n: u32(n),
      k: u32(k),
      aRow: u32(a.row),
      aColumn: u32(a.column),
      bRow: u32(b.row),
      bColumn: u32(b.column),
      depth: u32(depth),
    },
    flops: 2 * m * n * k,
    workgroups: [...groups, splits],
    code: ({ tile, out, transposeA, transposeB, bias, split }) => {
      const [threadsM, threadsN] = [tile.m / tile.threadM, tile.n / tile.threadN];
      const threads = threadsM * threadsN;
      const load = (size: number, body: (at: string) => string): string =>
        `for (var e = lane; e < ${size}u; e += ${threads}u) { ${body('e')} }`;
      // Neighbouring threads follow the operand's contiguous axis, so that global loads coalesce.
      const loadA = transposeA ? `let r = e % ${tile.m}u; let c = e / ${tile.m}u;` : `let c = e % ${tile.k}u; let r = e / ${tile.k}u;`;
      const loadB = transposeB ? `let r = e % ${tile.k}u; let c = e / ${tile.k}u;` : `let c = e % ${tile.n}u; let r = e / ${tile.n}u;`;
      const rows = Array.from({ length: tile.threadM }, (_, i) => i);
      const columns = Array.from({ length: tile.threadN }, (_, j) => j);
      return `
var<workgroup> tileA: array<f32, ${tile.m * tile.k}>;
var<workgroup> tileB: array<f32, ${tile.k * tile.n}>;

@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row0 = wid.y * ${tile.m}u;
  let column0 = wid.x * ${tile.n}u;
  let ty = lane / ${threadsN}u;
  let tx = lane % ${threadsN}u;
  ${rows.map((i) => columns.map((j) => `var c${i}_${j} = 0.0;`).join(' ')).join('\n  ')}
  let last = min((wid.z + 1u) * p.depth, p.k);
  for (var k0 = wid.z * p.depth; k0 < last; k0 += ${tile.k}u) {
    ${load(tile.m * tile.k, () => `${loadA} var v = 0.0; if (row0 + r < p.m && k0 + c < last) { v = f32(a[(row0 + r) * p.aRow + (k0 + c) * p.aColumn]); } tileA[c * ${tile.m}u + r] = v;`)}
    ${load(tile.k * tile.n, () => `${loadB} var v = 0.0; if (k0 + r < last && column0 + c < p.n) { v = f32(b[(k0 + r) * p.bRow + (column0 + c) * p.bColumn]); } tileB[r * ${tile.n}u + c] = v;`)}
    // The tiles are complete before anyone reads them …
    workgroupBarrier();
    for (var kk = 0u; kk < ${tile.k}u; kk++) {
      ${rows.map((i) => `let a${i} = tileA[kk * ${tile.m}u + ty + ${i * threadsM}u];`).join(' ')}
      ${columns.map((j) => `let b${j} = tileB[kk * ${tile.n}u + tx + ${j * threadsN}u];`).join(' ')}
      ${rows.map((i) => columns.map((j) => `c${i}_${j} = fma(a${i}, b${j}, c${i}_${j});`).join(' ')).join('\n      ')}
    }
    // … and read before anyone overwrites them.
    workgroupBarrier();
  }
  ${rows
    .map((i) =>
      columns
        .map((j) => {
          const [row, column] = [`row0 + ty + ${i * threadsM}u`, `column0 + tx + ${j * threadsN}u`];
          const to = split ? `(wid.z * p.m + ${row}) * p.n + ${column}` : `(${row}) * p.n + ${column}`;
          return `if (${row} < p.m && ${column} < p.n) { y[${to}] = ${out}(c${i}_${j}${bias ? ` + f32(bias[${column}])` : ''}); }`;
        })
        .join('\n  '),
    )
    .join('\n  ')}
}`;
    },
  });
  if (splits === 1) return single(variant, main);
  return {
    variant,
    temporaries: [{ slot: 'partials', bytes: m * n * splits * 4 }],
    dispatches: [main, joinMatmul(problem, splits, target)],
  };
}
