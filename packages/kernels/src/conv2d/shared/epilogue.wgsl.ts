import { halving } from '../../halving.wgsl.js';
import { floatLiteral } from '../../kernel.js';
import { momentShares, sumShares } from '../../norm/shares.wgsl.js';
import { laneCode } from '../../pointwise/lane-code.js';
import { mathFunctions, mathUsedIn } from '../../pointwise/math.wgsl.js';
import { unrolled } from '../../range.js';
import { chainNames, type Epilogue } from './epilogue.js';

/**
 * How a workgroup's invocations own the results: `threadsN` side by side own quads of columns, each `quads` of them, and
 * `threadsM` such lines own rows. Both are powers of two.
 */
export interface ResultBlock {
  readonly threadsM: number;
  readonly threadsN: number;
  readonly quads: number;
  /** Type of what is stored. */
  readonly dtype: 'f32' | 'f16';
}

/** WGSL of an epilogue. The kernel around it declares `lane` and its place in the block, `ty` and `tx`. */
export interface EpilogueCode {
  /** Functions and workgroup memory, before `main`. */
  readonly declarations: string;
  /** Before the first result is stored. */
  readonly start: string;
  /**
   * Takes a result further and stores it: `value` names a `var` of four neighbouring channels, `quad` tells which of the
   * invocation's quads it is, `channel` is an expression of the quad's index among all channels; `at` is a `let` in scope,
   * the result's index in quads.
   */
  store(value: string, quad: number, channel: string): string;
  /** After all results, in uniform control flow: the part's sums, to line `part` of `sums` with `channels` quads a line. */
  finish(at: { inside(quad: number): string; channel(quad: number): string; part: string; channels: string }): string;
}

export function epilogueCode({ chain, sums }: Epilogue, { threadsM, threadsN, quads, dtype }: ResultBlock): EpilogueCode {
  const threads = threadsM * threadsN;
  const everyQuad = (write: (quad: number) => string): string => unrolled(quads, '\n  ', write);
  const chained = (value: string): string => {
    if (!chain) return '';
    const names = chainNames(chain);
    const operands = names.inputs.slice(1).map((name) => `let ${name}Here = vec4f(${name}[at]);`);
    const steps = ['.x', '.y', '.z', '.w'].map((part) =>
      laneCode(chain, {
        input: (i) => `${i === 0 ? value : `${names.inputs[i]}Here`}${part}`,
        result: () => `${value}${part}`,
        number: floatLiteral,
        step: (k) => names.steps[k] as string,
      }),
    );
    return `${[...operands, ...steps].join('\n        ')}\n       `;
  };
  const store = (value: string): string => `${chained(value)} result[at] = vec4<${dtype}>(${value});`;
  const functions = chain ? mathFunctions(mathUsedIn(chained('v'))) : '';
  if (!sums) return { declarations: functions, start: '', store, finish: () => '' };

  const moments = sums === 'moments';
  const [first, second] = moments ? ['deviations', 'squares'] : ['gradients', 'products'];
  return {
    declarations: `${functions}
${moments ? momentShares : sumShares}
var<workgroup> shares: array<Share, ${threads}>;`,
    start: everyQuad(
      (j) =>
        `var ${first}${j} = vec4f(); var ${second}${j} = vec4f();${moments ? ` var origin${j} = vec4f(); var rowCount${j} = 0.0;` : ''}`,
    ),
    // The sums are of what was stored, rounded as it is. Deviations from the first row: no cancellation, whatever the mean.
    store: (value, j, channel) => `${store(value)} {
      let v = ${dtype === 'f16' ? `vec4f(vec4<f16>(${value}))` : value};
      ${
        moments
          ? `if (rowCount${j} == 0.0) { origin${j} = v; }
      let d = v - origin${j}; ${first}${j} += d; ${second}${j} = fma(d, d, ${second}${j}); rowCount${j} += 1.0;`
          : `${first}${j} += v; ${second}${j} = fma(v, vec4f(normX[at]) - normMean[${channel}], ${second}${j});`
      } }`,
    finish: ({ inside, channel, part, channels }) =>
      // One quad after the other, in the same memory.
      everyQuad(
        (j) => `
  shares[lane] = ${moments ? `momentsOf(origin${j}, ${first}${j}, ${second}${j}, rowCount${j})` : `Share(${first}${j}, ${second}${j})`};
  ${halving({ half: `${threadsM / 2}u`, what: 'share', place: 'ty', join: `shares[lane] = joinShares(shares[lane], shares[lane + step * ${threadsN}u]);` })}
  if (ty == 0u && ${inside(j)}) {
    let total = shares[lane];
    let first = total.first;
    let second = total.second${moments ? '' : ` * normRstd[${channel(j)}]`};
    let to = (${part} * ${channels} + ${channel(j)}) * 2u;
    sums[to] = vec4f(first.x, second.x, first.y, second.y);
    sums[to + 1u] = vec4f(first.z, second.z, first.w, second.w);
  }
  ${j + 1 < quads ? '// The last shares are read before the next ones come.\n  workgroupBarrier();' : ''}`,
      ),
  };
}
