import { ceilDiv, dispatch, entry, grid, read, readWrite, u32s } from '../kernel.js';
import type { Dispatch, DType, Plan, Target } from '../plan.js';
import type { Lines } from './lines.js';

export interface ArgsortProblem extends Lines {
  readonly descending: boolean;
  readonly dtype: DType;
}

/** Keys that a workgroup sorts in its memory. */
const block = 256;

/**
 * Where the smallest (or largest), the next … of each line stand: slots x → index (i32), alike in shape. Stable, and NaN counts as the
 * largest, as in PyTorch.
 *
 * A bitonic network over pairs (key, position), which are all different: a key is a value's bits as an unsigned number that is ordered
 * likewise. Lines are filled to a power of two with keys that come last. Spans up to 256 are sorted in workgroup memory, several short
 * lines at once; longer ones by one dispatch for each distance of 256 and more, and one for all shorter distances.
 */
export function planArgsort(problem: ArgsortProblem, target: Target): Plan {
  const { outer, length, inner, descending, dtype } = problem;
  const lines = outer * inner;
  let padded = 1;
  while (padded < length) padded *= 2;
  // Whole blocks: the last of short lines may have nothing to sort behind them.
  const words = ceilDiv(lines * padded, block) * block;
  const dispatches: Dispatch[] = [
    load({ dtype, descending }, { length, inner, padded, lines, count: words }, target),
    sortBlocks(words, padded, target),
  ];
  for (let span = 2 * block; span <= padded; span *= 2) {
    for (let far = span / 2; far >= block; far /= 2) dispatches.push(exchange({ words, padded, span, far }, target));
    dispatches.push(mergeBlocks({ words, padded, span }, target));
  }
  dispatches.push(store({ length, inner, padded, count: lines * length }, target));
  const bytes = words * 4;
  return {
    variant: 'argsort',
    temporaries: [
      { slot: 'keys', bytes },
      { slot: 'places', bytes },
    ],
    dispatches,
  };
}

const pairs = [readWrite('keys', 'u32'), readWrite('places', 'u32')];

/** What a pass over `count` elements is told. */
type Sizes = Readonly<Record<string, number>> & { readonly count: number };

function load(key: { dtype: DType; descending: boolean }, sizes: Sizes, target: Target): Dispatch {
  return dispatch(target, {
    family: 'argsort-load',
    about:
      'Keys whose order as whole numbers is that of x, and their places, [line][element] filled up to a power of two, and to whole blocks. An invocation owns one pair. No barriers.',
    key,
    bindings: [read('x', key.dtype), ...pairs],
    scalars: u32s(sizes),
    bake: 'passed',
    workgroups: grid(sizes.count, target),
    code: ({ dtype, descending }) => {
      const ordered =
        dtype === 'u32' ? 'value' : dtype === 'i32' ? 'bitcast<u32>(value) ^ 0x80000000u' : 'ordered(bitcast<u32>(f32(value)))';
      return `
// Positive numbers after negative ones, whose bits run the other way; both zeros are one.
fn ordered(bits: u32) -> u32 {
  let size = bits & 0x7fffffffu;
  if (size > 0x7f800000u) { return 0xfffffffeu; }
  if (size == 0u) { return 0x80000000u; }
  return select(bits | 0x80000000u, ~bits, bits >= 0x80000000u);
}

${entry('i', 'p.count')}
  let k = i % p.padded;
  let line = i / p.padded;
  var key = 0xffffffffu;
  if (k < p.length && line < p.lines) {
    let value = x[(line / p.inner * p.length + k) * p.inner + line % p.inner];
    key = ${descending ? `~(${ordered})` : ordered};
  }
  keys[i] = key;
  places[i] = k;
}`;
    },
  });
}

/** WGSL: exchanges pairs a and b of two arrays where they do not stand as `rising` says. */
const swapUnless = (
  rising: string,
  keys: string,
  places: string,
): string => `  let after = ${keys}[a] > ${keys}[b] || (${keys}[a] == ${keys}[b] && ${places}[a] > ${places}[b]);
  if (after == (${rising})) {
    let k = ${keys}[a];
    ${keys}[a] = ${keys}[b];
    ${keys}[b] = k;
    let at = ${places}[a];
    ${places}[a] = ${places}[b];
    ${places}[b] = at;
  }`;

const inMemory = `
var<workgroup> key: array<u32, ${block}>;
var<workgroup> place: array<u32, ${block}>;
// Exchanges what stands in the wrong order at this distance; a barrier before, as others wrote what is read.
fn exchange(lane: u32, far: u32, rising: bool) {
  workgroupBarrier();
  let a = (lane / far) * far * 2u + lane % far;
  let b = a + far;
${swapUnless('rising', 'key', 'place')}
}
${entry('group', 'p.groups', { together: true, threads: block / 2 })}
  let base = group * ${block}u;
  for (var k = lane; k < ${block}u; k += ${block / 2}u) {
    key[k] = keys[base + k];
    place[k] = places[base + k];
  }`;
const back = `
  workgroupBarrier();
  for (var k = lane; k < ${block}u; k += ${block / 2}u) {
    keys[base + k] = key[k];
    places[base + k] = place[k];
  }
}`;

/** Every block of its own, alternately rising and falling within a line; all of a line of one block or less rises. */
function sortBlocks(words: number, padded: number, target: Target): Dispatch {
  const groups = words / block;
  return dispatch(target, {
    family: 'argsort-blocks',
    about: `Sorts blocks of pairs of key and place in workgroup memory. A workgroup owns a block, an invocation exchanges one pair with another at a time.
Barriers: a block is complete before it is sorted, and each round's exchanges before the next.`,
    key: {},
    bindings: pairs,
    scalars: u32s({ groups, padded }),
    bake: 'passed',
    workgroups: grid(groups, target, { together: true }),
    code: () => `${inMemory}
  for (var span = 2u; span <= min(${block}u, p.padded); span *= 2u) {
    for (var far = span / 2u; far > 0u; far /= 2u) {
      let a = base + (lane / far) * far * 2u + lane % far;
      // Places within their line: its size is a power of two.
      exchange(lane, far, (a & (p.padded - 1u) & span) == 0u);
    }
  }${back}`,
  });
}

interface Stage {
  /** Pairs of all lines, and of one. */
  readonly words: number;
  readonly padded: number;
  readonly span: number;
}

/** All distances below a block's size, of spans that are larger. */
function mergeBlocks({ words, padded, span }: Stage, target: Target): Dispatch {
  const groups = words / block;
  return dispatch(target, {
    family: 'argsort-merge',
    about: `The exchanges of one span that stay within a block, in workgroup memory. A workgroup owns a block.
Barriers: a block is complete before it is read, and each round's exchanges before the next.`,
    key: {},
    bindings: pairs,
    scalars: u32s({ groups, padded, span }),
    bake: 'passed',
    workgroups: grid(groups, target, { together: true }),
    code: () => `${inMemory}
  for (var far = ${block / 2}u; far > 0u; far /= 2u) { exchange(lane, far, ((base % p.padded) & p.span) == 0u); }${back}`,
  });
}

/** One distance, one invocation a pair. */
function exchange({ words, padded, span, far }: Stage & { readonly far: number }, target: Target): Dispatch {
  return dispatch(target, {
    family: 'argsort-exchange',
    about: 'The exchanges of one span and one distance. An invocation owns two pairs of key and place. No barriers.',
    key: {},
    bindings: pairs,
    scalars: u32s({ count: words / 2, padded, span, far }),
    bake: 'passed',
    workgroups: grid(words / 2, target),
    code: () => `
${entry('i', 'p.count')}
  let a = (i / p.far) * p.far * 2u + i % p.far;
  let b = a + p.far;
${swapUnless('((a % p.padded) & p.span) == 0u', 'keys', 'places')}
}`,
  });
}

function store(sizes: Sizes, target: Target): Dispatch {
  return dispatch(target, {
    family: 'argsort-store',
    about: 'The places of sorted elements, without what filled up their line. An invocation owns one element. No barriers.',
    key: {},
    bindings: [read('places', 'u32'), readWrite('index', 'i32')],
    scalars: u32s(sizes),
    bake: 'passed',
    workgroups: grid(sizes.count, target),
    code: () => `
${entry('i', 'p.count')}
  let n = i % p.inner;
  let k = (i / p.inner) % p.length;
  let line = i / (p.inner * p.length) * p.inner + n;
  index[i] = i32(places[line * p.padded + k]);
}`,
  });
}
