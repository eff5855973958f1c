import { floatLiteral } from '../kernel.js';
import { laneCode } from '../pointwise/lane-code.js';
import { mathFunctions, mathUsedIn } from '../pointwise/math.wgsl.js';
import type { Epilogue } from './epilogue.js';
import { range } from './gemm-tile.js';

/** How a workgroup's invocations hold the results: `threadsM` × `threadsN` of them, each `rows` rows of `quads` quads of columns. */
export interface ResultBlock {
  readonly threadsM: number;
  readonly threadsN: number;
  readonly rows: number;
  readonly quads: number;
  /** Type of what is stored. */
  readonly dtype: 'f32' | 'f16';
}

/** WGSL of an epilogue. The kernel around it declares `lane`, `ty`, `tx`, sums in registers `c{row}_{quad}`, and calls these. */
export interface EpilogueCode {
  /** Functions and workgroup memory, before `main`. */
  readonly declarations: string;
  /** Before results are stored. */
  readonly start: string;
  /** Stores one quad of one row at `at` (a `let` in scope, in quads); `channel` is an expression: the quad of channels. */
  store(row: number, quad: number, channel: string): string;
  /**
   * After all are stored, outside any branch. `valid(row)`: whether a row of registers is a result; `count`: rows of the
   * tile that are; `part`: index of the tile's part; `channels`: quads of channels in all.
   */
  finish(at: {
    valid(row: number): string;
    inside(quad: number): string;
    channel(quad: number): string;
    count: string;
    part: string;
    channels: string;
  }): string;
}

export function epilogueCode({ chain, sums }: Epilogue, block: ResultBlock): EpilogueCode {
  const { threadsM, threadsN, rows, quads, dtype } = block;
  const threads = threadsM * threadsN;
  const lanes = ['.x', '.y', '.z', '.w'];
  const chained = (value: string): string => {
    if (!chain) return '';
    const operands = chain.inputs.slice(1).map((_, i) => `let o${i + 1} = vec4f(e${i + 1}[at]);`);
    const steps = lanes.map((part) =>
      laneCode(chain, {
        input: (i) => (i === 0 ? `${value}${part}` : `o${i}${part}`),
        result: () => `${value}${part}`,
        number: floatLiteral,
      }),
    );
    return [...operands, ...steps].join(' ');
  };
  // Adds one value an invocation and quad over the rows of threads, in a tree; the totals lie at `shares[tx + quad · threads]`.
  const tree = (value: (quad: number) => string): string => `
  ${range(quads)
    .map((j) => `shares[lane + ${j * threads}u] = ${value(j)};`)
    .join(' ')}
  for (var step = ${threadsM / 2}u; step > 0u; step /= 2u) {
    // Everyone's share is written before its neighbour reads it.
    workgroupBarrier();
    if (ty < step) { ${range(quads)
      .map((j) => `shares[lane + ${j * threads}u] += shares[lane + step * ${threadsN}u + ${j * threads}u];`)
      .join(' ')} }
  }
  // The totals are complete before anyone reads them.
  workgroupBarrier();`;
  const total = (quad: number): string => `shares[tx + ${quad * threads}u]`;
  const everyQuad = (write: (quad: number) => string): string => range(quads).map(write).join('\n  ');
  const functions = chain ? mathFunctions(mathUsedIn(chained('v'))) : '';
  return {
    declarations: `${functions}${sums ? `\nvar<workgroup> shares: array<vec4f, ${threads * quads}>;` : ''}`,
    start: sums ? everyQuad((j) => `var a${j} = vec4f(); var b${j} = vec4f();`) : '',
    store: (row, quad, channel) => {
      const sum = `c${row}_${quad}`;
      const kept = dtype === 'f16' && sums ? `${sum} = vec4f(vec4h(${sum}));` : '';
      const add =
        sums === 'moments'
          ? `a${quad} += ${sum};`
          : sums === 'normGrad'
            ? `a${quad} += ${sum}; b${quad} = fma(${sum}, vec4f(sumX[at]) - sumMean[${channel}], b${quad});`
            : '';
      return `${chained(sum)} result[at] = vec4<${dtype}>(${sum}); ${kept} ${add}`;
    },
    finish: ({ valid, inside, channel, count, part, channels }) => {
      if (!sums) return '';
      const first = everyQuad((j) => `let first${j} = ${total(j)}${sums === 'moments' ? ` / ${count}` : ''};`);
      const deviations =
        sums === 'moments'
          ? range(rows)
              .map(
                (i) =>
                  `if (${valid(i)}) { ${range(quads)
                    .map((j) => `let d${j} = c${i}_${j} - first${j}; b${j} = fma(d${j}, d${j}, b${j});`)
                    .join(' ')} }`,
              )
              .join('\n  ')
          : '';
      const scale = (j: number): string => (sums === 'normGrad' ? ` * sumRstd[${channel(j)}]` : '');
      return `${tree((j) => `a${j}`)}
  ${first}
  ${deviations}
  // The first totals are read before their places are used again.
  workgroupBarrier();
  ${tree((j) => `b${j}`)}
  if (ty == 0u) {
    ${everyQuad(
      (j) => `if (${inside(j)}) {
      let to = (${part} * ${channels} + ${channel(j)}) * 2u;
      let second = ${total(j)}${scale(j)};
      sums[to] = vec4f(first${j}.x, second.x, first${j}.y, second.y);
      sums[to + 1u] = vec4f(first${j}.z, second.z, first${j}.w, second.w);
    }`,
    )}
  }`;
    },
  };
}
