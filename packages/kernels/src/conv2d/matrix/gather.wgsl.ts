import { range, unrolled } from '../../range.js';
import {
  type MatrixProductOptions,
  matrixDeclarations,
  matrixLeave,
  matrixMain,
  matrixSums,
  matrixWalk,
  type OctetWidth,
  returnOctet,
} from '../../subgroup-matrix/product.wgsl.js';
import type { MatrixShape } from '../../subgroup-matrix/tile.js';
import { matrixThreads } from '../../subgroup-matrix/tile.js';
import { tilePlace } from '../../tile-place.wgsl.js';
import { epilogueCode } from '../shared/epilogue.wgsl.js';
import { gatherAddress } from '../shared/gather-address.wgsl.js';
import { type GatherCode, gatheredType } from '../shared/gather-plan.js';

/** What the text of a gather kernel on matrix units depends on; `planMatrixGather` says what the kernel does. */
export interface MatrixGatherCode extends MatrixShape, GatherCode {
  /** Source channels that are loaded at once, and whether result channels come in fours. */
  readonly width: OctetWidth;
  readonly vectorOut: boolean;
}

/**
 * WGSL of the product: rows are result pixels, columns result channels, the depth taps and source channels, channels
 * fastest. A lies [row][depth] as a pixel's channels do, B [depth][column] as packed filters do. Filters come in
 * vectors of eight columns, the last one filled with zeros.
 */
export function matrixGatherCode(o: MatrixGatherCode): string {
  const { tile, dtype, width } = o;
  const product: MatrixProductOptions = { ...o, a: 'depth', b: 'side' };
  const threads = matrixThreads(o);
  const [depthOctets, columnOctets] = [tile.k / 8, tile.n / 8];
  const parts = range(8 / width).map((i) => i * width);
  const out = gatheredType(o);
  const quads = tile.n / 4;
  const after = epilogueCode(o.epilogue, { threadsM: threads / quads, threadsN: quads, quads: 1, dtype: out });
  const address = gatherAddress({ ...o, rows: tile.m, threads });
  const store = o.vectorOut
    ? `if (column < p.outer) { let at = (to + column) / 4u; ${after.store('sum', 0, 'column / 4u')} }`
    : unrolled(4, ' ', (e) => `if (column + ${e}u < p.outer) { result[to + column + ${e}u] = ${out}(sum[${e}]); }`);
  // Past the last channel any value does, it is never stored.
  const bias = `vec4f(${unrolled(4, ', ', (e) => `f32(bias[min(column + ${e}u, p.outer - 1u)])`)})`;
  return `${address.declarations}
${matrixDeclarations(product)}
${after.declarations}

fn fetchA(i: u32, at: u32, last: u32, within: u32) -> Octet {
  let k = at + within;
  let row = rowStart[i / ${depthOctets}u];
  ${parts.map((e) => `let t${e} = tapOf(k + ${e}u);`).join(' ')}
  ${returnOctet({ dtype, width, array: 'source', when: (e) => `k + ${e}u < last && inside(row, t${e})`, at: (e) => `place(row, t${e}) * p.inner + t${e}.c` })}
}
fn fetchB(i: u32, at: u32, last: u32, column: u32) -> Octet {
  let k = at + i / ${columnOctets}u;
  let octets = (p.outer + 7u) / 8u;
  ${returnOctet({ dtype, width: 8, array: 'filters', when: () => 'k < last && column < octets', at: () => `(filterRow(k) * octets + column) * 8u` })}
}

${matrixMain(o)}
  ${address.sizes}
  ${tilePlace({ tile, rows: 'rows', columns: 'p.outer', depth: 'depth', why: 'Columns run fastest: workgroups that read the same pixels run at the same time.' })}
  ${address.starts}

  // The number of invocations is a multiple of both tiles' octets: one of them brings in the same eight of the depth of
  // several rows, and the same eight columns at several depths.
  let within = lane % ${depthOctets}u * 8u;
  let columnOctet = column0 / 8u + lane % ${columnOctets}u;
  ${matrixSums(o)}
  ${matrixWalk(product, { a: (i, at) => `fetchA(${i}, ${at}, last, within)`, b: (i, at) => `fetchB(${i}, ${at}, last, columnOctet)` })}

  let column = column0 + lane % ${tile.n / 4}u * 4u;
  let ty = lane / ${quads}u;
  let tx = lane % ${quads}u;
  ${o.bias ? `let start = ${bias};` : ''}
  ${after.start}
  ${matrixLeave(
    o,
    `let row = row0 + tileRow;
    if (row < rows) {
      ${address.pixels(`var sum = ${address.at('value')}${o.bias ? ' + start' : ''};
      let to = ${o.parts ? 'part * (p.batch * p.resultHeight * p.resultWidth * p.outer) + ' : ''}${address.pixel} * p.outer;
      ${store}`)}
    }`,
  )}
  ${after.finish({
    inside: () => 'column < p.outer',
    channel: () => 'column / 4u',
    part: address.part,
    channels: '(p.outer / 4u)',
  })}
}`;
}
