import { entry, grid, planSingle, read, readWrite, type Scalar, u32 } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import { arithmeticType, inputType } from './arithmetic-type.js';
import type { ChainInput, PointwiseChain } from './chain.js';
import { collapse } from './collapse.js';
import { chainNumber, chainScalars, chainText, laneCode } from './lane-code.js';
import { mathFunctions, mathUsedIn } from './math.wgsl.js';

/**
 * One kernel for a chain of pointwise steps. Slots: x0, x1, … and y0, y1, …
 * A thread computes 4 neighbouring elements when the innermost dimension allows, else one. Inputs that are read in the
 * order of the output need no index arithmetic; broadcast ones get their offset from the output's coordinates.
 */
export function planPointwise(chain: PointwiseChain, target: Target): Plan {
  const { shape, inputs } = collapse(
    chain.shape,
    chain.inputs.map((i) => i.strides),
  );
  // From here on strides are those of the collapsed dimensions.
  return planCollapsed({ ...chain, shape, inputs: chain.inputs.map((x, i) => ({ ...x, strides: inputs[i] as number[] })) }, target);
}

function planCollapsed(chain: PointwiseChain, target: Target): Plan {
  const { shape } = chain;
  const inputs = chain.inputs.map((x) => x.strides);
  const size = shape.reduce((a, b) => a * b, 1);
  const inner = shape.at(-1) ?? 1;
  const lanes = inner % 4 === 0 && inputs.every(readableInFours) ? 4 : 1;
  const ways = inputs.map((strides) => access(strides, shape));
  const vectors = size / lanes;

  const scalars: Record<string, Scalar> = { vectors: u32(vectors) };
  const strided = ways.includes('strided');
  for (let d = 1; strided && d < shape.length; d++) scalars[`d${d}`] = u32((shape[d] as number) / (d + 1 === shape.length ? lanes : 1));
  for (const [i, strides] of inputs.entries()) {
    if (ways[i] !== 'strided') continue;
    const unit = strides.at(-1) === 0 ? 1 : lanes;
    for (const [d, s] of strides.entries()) scalars[`s${i}_${d}`] = u32(d + 1 === shape.length ? s : s / unit);
  }
  Object.assign(scalars, chainScalars(chain));
  return planSingle(`pointwise ${workText({ chain, ways, rank: shape.length })} v${lanes}`, target, {
    family: 'pointwise',
    about:
      'Elements side by side: an invocation owns lanes neighbours of all outputs. An operand that is broadcast is read by coordinates: d are sizes, s strides in vectors. No barriers.',
    key: { work: { chain, ways, rank: shape.length }, lanes },
    show: { work: workText },
    bindings: [
      ...chain.inputs.map((input, i) => read(`x${i}`, elementType(input, ways[i] as Access, lanes))),
      ...chain.outputs.map((output, i) => readWrite(`y${i}`, vectorType(output.dtype, lanes))),
    ],
    // Without coordinates there is nothing to divide, and a CPU driver compiles a kernel for all sizes only once.
    bake: strided ? 'sizes' : 'shared',
    scalars,
    workgroups: grid(vectors, target),
    code: body,
  });
}

type Access = 'same' | 'single' | 'strided';

/** How an input is read: in the output's order, always element 0, or by coordinates. */
function access(strides: readonly number[], shape: readonly number[]): Access {
  if (strides.every((s) => s === 0)) return 'single';
  let expected = 1;
  for (let d = shape.length - 1; d >= 0; d--) {
    if (strides[d] !== expected) return 'strided';
    expected *= shape[d] as number;
  }
  return 'same';
}

const vectorType = (dtype: DType, lanes: number): string => (lanes === 4 ? `vec4<${dtype}>` : dtype);
/** A strided input that does not vary along the innermost dimension is read element by element. */
const elementType = (input: ChainInput, way: Access, lanes: number): string =>
  lanes === 4 && way !== 'single' && !(way === 'strided' && input.strides.at(-1) === 0) ? `vec4<${input.dtype}>` : input.dtype;

/** Four neighbours along the innermost dimension are one aligned vector, or all the same element. */
export const readableInFours = (strides: readonly number[]): boolean =>
  strides.at(-1) === 0 || (strides.at(-1) === 1 && strides.slice(0, -1).every((s) => s % 4 === 0));

/** What is computed, and how the inputs are read for it. */
interface Work {
  readonly chain: PointwiseChain;
  readonly ways: readonly Access[];
  readonly rank: number;
}

function workText({ chain, ways, rank }: Work): string {
  const mark = (i: number): string => {
    if (ways[i] === 'same') return '';
    return ways[i] === 'single' ? '/1' : `/${chain.inputs[i]?.strides.at(-1) === 0 ? 'b' : 's'}${rank}`;
  };
  const work = arithmeticType(chain);
  return `${work === 'f32' ? '' : `${work} `}${chainText(chain, mark)}`;
}

function body({ work: { chain, ways, rank }, lanes }: { work: Work; lanes: number }): string {
  const lines: string[] = [];
  if (ways.includes('strided')) {
    lines.push('var rest = i;');
    for (let d = rank - 1; d >= 1; d--) lines.push(`let k${d} = rest % p.d${d}; rest = rest / p.d${d};`);
    lines.push('let k0 = rest;');
  }
  const work = arithmeticType(chain);
  const vector = vectorType(work, lanes);
  chain.inputs.forEach((input, i) => {
    const way = ways[i] as Access;
    const type = elementType(input, way, lanes);
    const read = inputType(chain, i);
    const wide = vectorType(read, lanes);
    const perElement = lanes === 4 && !type.startsWith('vec4');
    const terms = Array.from({ length: rank }, (_, d) => `k${d} * p.s${i}_${d}`);
    // Strides count vectors, or elements where one element serves the whole vector.
    const offset = perElement ? terms.slice(0, -1).join(' + ') : terms.join(' + ');
    const index = way === 'same' ? 'i' : way === 'single' ? '0u' : offset;
    lines.push(
      `let x${i}v = ${wide}(${input.dtype === read ? `x${i}[${index}]` : `${type.startsWith('vec4') ? wide : read}(x${i}[${index}])`});`,
    );
  });
  const perLane = (component: string): string =>
    laneCode(chain, { input: (i) => `x${i}v${component}`, result: (i) => `r${i}${component}`, number: chainNumber });
  chain.outputs.forEach((_, i) => {
    lines.push(`var r${i}: ${vector};`);
  });
  for (const component of lanes === 4 ? ['.x', '.y', '.z', '.w'] : ['']) lines.push(perLane(component));
  chain.outputs.forEach((output, i) => {
    lines.push(`y${i}[i] = ${output.dtype === work ? `r${i}` : `${vectorType(output.dtype, lanes)}(r${i})`};`);
  });
  const text = lines.join('\n  ');
  return `${mathFunctions(mathUsedIn(text))}

${entry('i', 'p.vectors')}
  ${text}
}`;
}
