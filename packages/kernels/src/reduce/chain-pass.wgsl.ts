import { entry } from '../kernel.js';
import type { ChainInput, PointwiseChain } from '../pointwise/chain.js';
import { coordinates, offset } from '../pointwise/coordinates.js';
import { chainNumber, chainText, laneCode } from '../pointwise/lane-code.js';
import { mathFunctions, mathUsedIn } from '../pointwise/math.wgsl.js';
import { combine } from './combine.wgsl.js';
import type { ReduceKind, ReduceResult } from './kind.js';
import { ownSplit, picked, splitRange } from './walk.js';

/** The pass that computes the chain. Dimensions and strides are the collapsed ones. */
export interface ChainPass {
  readonly kind: ReduceKind;
  readonly chain: PointwiseChain;
  /** The space; its last dimension counts vectors. */
  readonly dims: readonly number[];
  readonly reduced: readonly boolean[];
  readonly results: readonly ReduceResult[];
  /** Neighbours an invocation takes at once. */
  readonly lanes: 1 | 4;
  /** It makes the results, not parts of them. */
  readonly final: boolean;
}

/** A fixed input stands still along what is reduced: it is read once. */
const isFixed = ({ strides }: ChainInput, reduced: readonly boolean[]): boolean => strides.every((s, d) => s === 0 || !reduced[d]);
/** An input that stands still along the innermost dimension is read element by element. */
const perElement = ({ strides }: ChainInput, lanes: 1 | 4): boolean => lanes === 4 && strides.at(-1) === 0;
export const inputType = (x: ChainInput, lanes: 1 | 4): string => (lanes === 4 && !perElement(x, lanes) ? `vec4<${x.dtype}>` : x.dtype);

export function chainPassText({ chain, reduced, results, lanes, final }: ChainPass): string {
  const pattern = reduced.map((r) => (r ? 'r' : 'k')).join('');
  const mark = (i: number): string => {
    const x = chain.inputs[i] as ChainInput;
    return `${isFixed(x, reduced) ? '/f' : ''}${perElement(x, lanes) ? '/b' : ''}`;
  };
  const fates = results.map((result) => (result === 'whole' ? 'w' : 'r')).join('');
  return `${pattern} ${chainText(chain, mark)} ${fates} v${lanes}${final ? '' : ' parts'}`;
}

export function chainPassCode({ kind, chain, dims, reduced, results, lanes, final }: ChainPass): string {
  const inner = reduced.at(-1) === true;
  const [kept, gone] = [picked(reduced, true), picked(reduced, false)];
  const reduction = combine(kind, lanes);
  const vector = lanes === 4 ? 'vec4f' : 'f32';
  const load = (i: number, at: string): string => {
    const x = chain.inputs[i] as ChainInput;
    return `let x${i}v = ${vector}(${perElement(x, lanes) ? `f32(x${i}[${at}])` : `x${i}[${at}]`});`;
  };
  const inputs = chain.inputs.map((x, i) => ({ i, fixed: isFixed(x, reduced) }));
  const wholes = results.flatMap((result, i) => (result === 'whole' ? [i] : []));
  const reducedAt = results.flatMap((result, i) => (result === 'whole' ? [] : [i]));
  /** Where an element lies among all, in vectors. */
  const place = dims.map((_, d) => [`k${d}`, ...dims.flatMap((_, e) => (e > d ? [`p.d${e}`] : []))].join(' * ')).join(' + ');
  const number = (i: number): string => (inner && lanes === 4 ? reduction.lanes(`acc${i}`) : `acc${i}`);
  const wide = (i: number, count: number): string => `${count === 4 ? `vec4<${chain.outputs[i]?.dtype}>` : chain.outputs[i]?.dtype}`;
  const lines = (list: readonly string[]): string => list.join('\n    ');
  const each = (lanes === 4 ? ['.x', '.y', '.z', '.w'] : ['']).map((part) =>
    laneCode(chain, { input: (i) => `x${i}v${part}`, result: (i) => `r${i}${part}`, number: chainNumber }),
  );
  const takes = reducedAt.map((i) => reduction.take(`acc${i}`, `r${i}`));
  return `${mathFunctions(mathUsedIn([...each, ...takes].join(' ')))}
${entry('i', 'p.outputs * p.splits')}
  ${ownSplit(inner)}
  ${coordinates('o', kept)}
  ${lines(inputs.map(({ i, fixed }) => (fixed ? load(i, offset(`s${i}_`, kept)) : `let at${i} = ${offset(`s${i}_`, kept)};`)))}
  ${lines(reducedAt.map((i) => `var acc${i} = ${reduction.start};`))}
  ${splitRange(inner)}
  for (var r = begin; r < end; r += by) {
    ${coordinates('r', gone)}
    ${lines(inputs.flatMap(({ i, fixed }) => (fixed ? [] : [load(i, `at${i} + ${offset(`s${i}_`, gone)}`)])))}
    ${results.map((_, i) => `var r${i}: ${vector};`).join(' ')}
    ${lines(each)}
    ${lines(takes)}
    ${wholes.length > 0 ? `let at = ${place};` : ''}
    ${lines(wholes.map((i) => `y${i}[at] = ${wide(i, lanes)}(r${i});`))}
  }
  ${lines(
    reducedAt.map((i, k) =>
      final
        ? `y${i}[o] = ${wide(i, inner ? 1 : lanes)}(${number(i)} * p.scale${i});`
        : `parts[(${k}u * p.splits + s) * p.outputs + o] = ${number(i)};`,
    ),
  )}
}`;
}
