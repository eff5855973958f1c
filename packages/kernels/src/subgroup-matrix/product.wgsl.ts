import { range, unrolled } from '../range.js';
import { type Contiguous, lineVectors, type MatrixShape, matrixMemory, matrixThreads, stripRows, stripVectors } from './tile.js';

/*
 * What every kernel on matrix units shares. A workgroup owns m × n of the result; its subgroups own subgroupM ×
 * subgroupN each, row by row of subgroups, as sums in matrix registers. Operands come through workgroup memory:
 * `memory` holds vectors of eight halves (Dawn counts a matrix's offset and stride in elements of the array it comes
 * from, whatever they are), A first, then B, lines padded by one vector against bank conflicts. A split
 * f32 operand takes two planes, the high halves and then the low ones. When the depth is done, the same memory carries
 * the results, strip by strip, to the invocations, each of which owns one quad of columns and writes it out.
 */

/** Low halves are stored times 2¹¹, so that they are normal wherever the high ones are. */
const lowScale = 2048;

export interface MatrixProductOptions extends MatrixShape {
  readonly a: Contiguous;
  readonly b: Contiguous;
}

/** Types, workgroup memory, and `putA`, `putB` that store eight neighbours of an operand there. */
export function matrixDeclarations(o: MatrixProductOptions): string {
  const { unit, tile, split } = o;
  const { vectors, operands, strips, planeA, planeB, startB } = matrixMemory(o, o.a, o.b);
  const put = (operand: 'A' | 'B', side: number, contiguous: Contiguous, start: number, plane: number): string => {
    const line = contiguous === 'depth' ? tile.k : side;
    const at = `${start === 0 ? '' : `${start}u + `}i / ${line / 8}u * ${lineVectors(line)}u + i % ${line / 8}u`;
    return `fn put${operand}(i: u32, value: Octet) {
  let at = ${at};
  ${split ? `putVector(at, highHalves(value)); putVector(at + ${plane}u, lowHalves(value));` : 'putVector(at, value);'}
}`;
  };
  return `
alias Left = subgroup_matrix_left<f16, ${unit.k}, ${unit.m}>;
alias Right = subgroup_matrix_right<f16, ${unit.n}, ${unit.k}>;
alias Sum = subgroup_matrix_result<f32, ${unit.n}, ${unit.m}>;
${
  unit.typed
    ? `var<workgroup> memory: array<f16, ${operands * 8}>;
var<workgroup> strips: array<f32, ${strips * 4}>;`
    : `var<workgroup> memory: array<vec4<u32>, ${vectors}>;`
}
${unit.typed ? typedFunctions : vectorFunctions}

// Eight neighbours of an operand on their way from storage.
${split ? 'struct Octet { first: vec4f, second: vec4f }' : 'alias Octet = vec4<u32>;'}
${split ? splitFunctions : ''}
// Octet i of a tile, counted along its lines.
${put('A', tile.m, o.a, 0, planeA)}
${put('B', tile.n, o.b, startB, planeB)}`;
}

// Vectors of the memory by their index: eight halves of operands to put there, four sums to take.
const vectorFunctions = `fn putVector(at: u32, halves: vec4<u32>) { memory[at] = halves; }
fn quadOf(at: u32) -> vec4f { return bitcast<vec4f>(memory[at]); }`;
const typedFunctions = `fn putVector(at: u32, halves: vec4<u32>) {
  let first = bitcast<vec4<f16>>(halves.xy);
  let second = bitcast<vec4<f16>>(halves.zw);
  ${unrolled(8, ' ', (e) => `memory[at * 8u + ${e}u] = ${e < 4 ? 'first' : 'second'}[${e % 4}];`)}
}
fn quadOf(at: u32) -> vec4f { return vec4f(${unrolled(4, ', ', (e) => `strips[at * 4u + ${e}u]`)}); }`;

const splitFunctions = `// Rounded to the 11 bits of a half, by integers: compilers take f32(f16(v)) for v itself. Below the normal halves, 0.
fn rounded(v: vec4f) -> vec4f {
  let bits = bitcast<vec4<u32>>(v);
  let kept = (bits + vec4<u32>(0x1000u)) & vec4<u32>(0xffffe000u);
  return bitcast<vec4f>(select(kept, vec4<u32>(), (bits & vec4<u32>(0x7fffffffu)) < vec4<u32>(0x38800000u)));
}
fn packed(first: vec4f, second: vec4f) -> vec4<u32> {
  return vec4<u32>(bitcast<vec2<u32>>(vec4<f16>(first)), bitcast<vec2<u32>>(vec4<f16>(second)));
}
fn highHalves(v: Octet) -> vec4<u32> { return packed(rounded(v.first), rounded(v.second)); }
// What rounding left over, scaled up.
fn lowHalves(v: Octet) -> vec4<u32> {
  return packed((v.first - rounded(v.first)) * ${lowScale}.0, (v.second - rounded(v.second)) * ${lowScale}.0);
}`;

/** Type of a storage array that octets are read from, `width` neighbours at once. */
export const octetElement = (dtype: 'f32' | 'f16', width: OctetWidth): string =>
  width === 1 ? dtype : dtype === 'f32' ? 'vec4<f32>' : width === 8 ? 'vec4<u32>' : 'vec2<u32>';

/** Neighbours that are certain to lie side by side in storage, from a multiple of their number on. */
export type OctetWidth = 8 | 4 | 1;
export const octetWidth = (length: number): OctetWidth => (length % 8 === 0 ? 8 : length % 4 === 0 ? 4 : 1);

/**
 * Statements that return the octet whose element e (a multiple of `width`) lies at `at(e)` of a storage array, where
 * `when(e)` holds; the others are zero.
 */
export function returnOctet(o: {
  readonly dtype: 'f32' | 'f16';
  readonly width: OctetWidth;
  readonly array: string;
  readonly when: (e: number) => string;
  readonly at: (e: number) => string;
}): string {
  const { dtype, width, array, when, at } = o;
  if (dtype === 'f16' && width === 8)
    return `var octet = vec4<u32>(); if (${when(0)}) { octet = ${array}[(${at(0)}) / 8u]; } return octet;`;
  const type = dtype === 'f32' ? 'vec4f' : width === 1 ? 'vec4<f16>' : 'vec2<u32>';
  const start = `var first = ${type}(); var second = ${type}();`;
  const whole = dtype === 'f32' ? 'Octet(first, second)' : 'vec4<u32>(first, second)';
  if (width === 8)
    return `${start} if (${when(0)}) { let at = (${at(0)}) / 4u; first = ${array}[at]; second = ${array}[at + 1u]; } return ${whole};`;
  if (width === 4)
    return `${start} if (${when(0)}) { first = ${array}[(${at(0)}) / 4u]; } if (${when(4)}) { second = ${array}[(${at(4)}) / 4u]; } return ${whole};`;
  const each = range(8).map((e) => `if (${when(e)}) { ${e < 4 ? 'first' : 'second'}[${e % 4}] = ${array}[${at(e)}]; }`);
  const halves = dtype === 'f32' ? whole : 'vec4<u32>(bitcast<vec2<u32>>(first), bitcast<vec2<u32>>(second))';
  return `${start}\n  ${each.join('\n  ')}\n  return ${halves};`;
}

/** Sums of a subgroup, at zero, and where in the tile they lie. `subgroup` is the subgroup's index. */
export function matrixSums(o: MatrixShape): string {
  const { tile } = o;
  const across = tile.n / tile.subgroupN;
  const names = sums(o).flatMap(({ name }) => (o.split ? [name, `${name}_low`] : [name]));
  return `let subgroupRow = subgroup / ${across}u * ${tile.subgroupM}u;
  let subgroupColumn = subgroup % ${across}u * ${tile.subgroupN}u;
  ${names.map((name) => `var ${name}: Sum;`).join(' ')}`;
}

const sums = ({ tile, unit }: MatrixShape) =>
  range(tile.subgroupM / unit.m).flatMap((i) => range(tile.subgroupN / unit.n).map((j) => ({ i, j, name: `c${i}_${j}` })));

/**
 * The walk along the depth, in steps of tile.k from `at` to `last`. `fetchA(i, at)` and `fetchB(i, at)` are calls that
 * return octet i of the step at depth `at`.
 */
export function matrixWalk(
  o: MatrixProductOptions,
  fetch: { a: (i: string, at: string) => string; b: (i: string, at: string) => string },
): string {
  const { tile } = o;
  const threads = matrixThreads(o);
  const carries = [
    { put: 'putA', register: 'a', entries: (tile.m * tile.k) / 8, fetch: fetch.a },
    { put: 'putB', register: 'b', entries: (tile.n * tile.k) / 8, fetch: fetch.b },
  ];
  const multiply = `// The tiles are complete before anyone reads them …
    workgroupBarrier();
    MULTIPLY
    // … and read before anyone overwrites them.
    workgroupBarrier();`;
  if (!tile.prefetch) {
    const carry = carries.map(({ put, entries, fetch: call }) =>
      entries < threads
        ? `if (lane < ${entries}u) { ${put}(lane, ${call('lane', 'at')}); }`
        : `for (var turn = 0u; turn < ${entries / threads}u; turn++) { let i = lane + turn * ${threads}u; ${put}(i, ${call('i', 'at')}); }`,
    );
    return `for (; at < last; at += ${tile.k}u) {
    ${carry.join('\n    ')}
    ${multiply.replace('MULTIPLY', matrixMultiply(o))}
  }`;
  }
  // Registers have names, not indices: an array that the compiler does not unroll would lie in memory.
  const turns = carries.flatMap(({ put, register, entries, fetch: call }) =>
    range(Math.max(1, entries / threads)).map((turn) => {
      const i = turn === 0 ? 'lane' : `lane + ${turn * threads}u`;
      const guard = (body: string): string => (entries < threads ? `if (lane < ${entries}u) { ${body} }` : body);
      return {
        declare: `var ${register}${turn}: Octet;`,
        fetch: (at: string): string => guard(`${register}${turn} = ${call(i, at)};`),
        put: guard(`${put}(${i}, ${register}${turn});`),
      };
    }),
  );
  return `${turns.map((turn) => turn.declare).join(' ')}
  if (at < last) { ${turns.map((turn) => turn.fetch('at')).join(' ')} }
  for (; at < last; at += ${tile.k}u) {
    ${turns.map((turn) => turn.put).join('\n    ')}
    let next = at + ${tile.k}u;
    if (next < last) { ${turns.map((turn) => turn.fetch('next')).join(' ')} }
    ${multiply.replace('MULTIPLY', matrixMultiply(o))}
  }`;
}

/** Products of one step: every unit along the depth loads its fragments and adds to all sums of the subgroup. */
function matrixMultiply(o: MatrixProductOptions): string {
  const { tile, unit, split } = o;
  const { planeA, planeB, startB } = matrixMemory(o, o.a, o.b);
  // Offsets and strides count vectors. The first lines of a fragment depend on the subgroup alone: they are uniform.
  const load = (
    type: 'Left' | 'Right',
    contiguous: Contiguous,
    at: { side: number; origin: string; line: number; start: number; k: number },
  ): string => {
    const row = type === 'Left' ? 'row_major' : 'col_major';
    const column = type === 'Left' ? 'col_major' : 'row_major';
    const stride = lineVectors(contiguous === 'depth' ? tile.k : at.line);
    const offset =
      contiguous === 'depth'
        ? `${at.start + at.k / 8}u + (${at.origin} + ${at.side}u) * ${stride}u`
        : `${at.start + at.k * stride}u + (${at.origin} + ${at.side}u) / 8u`;
    return `subgroupMatrixLoad<${type}, ${contiguous === 'depth' ? row : column}>(&memory, ${unit.typed ? `(${offset}) * 8u, ${stride * 8}u` : `${offset}, ${stride}u`})`;
  };
  const [ms, ns] = [range(tile.subgroupM / unit.m), range(tile.subgroupN / unit.n)];
  const planes = split ? [0, 1] : [0];
  const name = (kind: string, index: number, plane: number): string => `${kind}${index}${plane === 1 ? '_low' : ''}`;
  return unrolled(tile.k / unit.k, '\n    ', (step) => {
    const k = step * unit.k;
    const loads = planes.flatMap((plane) => [
      ...ms.map(
        (i) =>
          `let ${name('l', i, plane)} = ${load('Left', o.a, { side: i * unit.m, origin: 'subgroupRow', line: tile.m, start: plane * planeA, k })};`,
      ),
      ...ns.map(
        (j) =>
          `let ${name('r', j, plane)} = ${load('Right', o.b, { side: j * unit.n, origin: 'subgroupColumn', line: tile.n, start: startB + plane * planeB, k })};`,
      ),
    ]);
    const add = (to: string, l: string, r: string): string => `${to} = subgroupMatrixMultiplyAccumulate(${l}, ${r}, ${to});`;
    const products = sums(o).flatMap(({ i, j, name: to }) => [
      add(to, `l${i}`, `r${j}`),
      ...(split ? [add(`${to}_low`, `l${i}`, `r${j}_low`), add(`${to}_low`, `l${i}_low`, `r${j}`)] : []),
    ]);
    return `{\n      ${[...loads, ...products].join('\n      ')}\n    }`;
  });
}

/**
 * The way out: strips of the sums go through workgroup memory to the invocations. Each owns one quad of columns of the
 * tile, `quad`, in every strip, and in each some rows; `finish` is run for every one of them with `tileRow` (its row in
 * the tile) and `value` (a vec4f, the four sums). It does not run in uniform control flow; rows and columns past the
 * result's end come too. Invocations `lane` and `lane + n / 4` share a quad. After the last strip there is no barrier.
 */
export function matrixLeave(o: MatrixShape, finish: string): string {
  const { tile, unit, split } = o;
  const threads = matrixThreads(o);
  const quads = tile.n / 4;
  const [rows, stride] = [stripRows(o), stripVectors(tile)];
  const plane = rows * stride;
  const strips = range(tile.subgroupM / unit.m).map((i) => {
    const stores = range(tile.subgroupN / unit.n).flatMap((j) =>
      (split ? ['', '_low'] : ['']).map((suffix) => {
        const start = suffix === '' ? '' : `${plane}u + `;
        const at = `${start}subgroupRow / ${tile.subgroupM}u * ${unit.m * stride}u + (subgroupColumn + ${j * unit.n}u) / 4u`;
        const [to, length] = unit.typed ? [`&strips, (${at}) * 4u`, stride * 4] : [`&memory, ${at}`, stride];
        return `subgroupMatrixStore<row_major>(${to}, c${i}_${j}${suffix}, ${length}u);`;
      }),
    );
    const at = `stripRow * ${stride}u + quad`;
    const value = split ? ` + quadOf(${at} + ${plane}u) * ${1 / lowScale}` : '';
    return `${stores.join('\n  ')}
  // The strip is complete before anyone reads it …
  workgroupBarrier();
  for (var stripRow = lane / ${quads}u; stripRow < ${rows}u; stripRow += ${threads / quads}u) {
    let tileRow = stripRow / ${unit.m}u * ${tile.subgroupM}u + ${i * unit.m}u + stripRow % ${unit.m}u;
    let value = quadOf(${at})${value};
    ${finish}
  }`;
  });
  // … and read before the next one overwrites it.
  return `let quad = lane % ${quads}u;
  ${strips.join('\n  // … and read before the next one overwrites it.\n  workgroupBarrier();\n  ')}`;
}

/** The entry point's parameters; `lane` counts invocations, `subgroup` subgroups. */
export const matrixMain = (o: MatrixShape): string => `@compute @workgroup_size(${matrixThreads(o)})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32, @builtin(subgroup_id) subgroup: u32) {`;
