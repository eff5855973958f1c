import { entry, grid, planSingle, read, readWrite, u32 } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import { range } from '../range.js';
import { arithmeticType, inputType } from './arithmetic-type.js';
import type { ChainInput, PointwiseChain } from './chain.js';
import { collapse } from './collapse.js';
import { coordinates, inVectors, offset, readableInFours, sizeScalars, strideScalars } from './coordinates.js';
import { chainNumber, chainScalars, chainText, laneCode } from './lane-code.js';
import { mathFunctions, mathUsedIn } from './math.wgsl.js';

/**
 * One kernel for a chain of pointwise steps. Slots: x0, x1, … and y0, y1, …
 * A thread computes 4 neighbouring elements when the innermost dimension allows, else one. Inputs that are read in the
 * order of the output need no index arithmetic; broadcast ones get their offset from the output's coordinates.
 */
export function planPointwise(given: PointwiseChain, target: Target): Plan {
  const { shape, inputs } = collapse(
    given.shape,
    given.inputs.map((x) => x.strides),
  );
  const chain = { ...given, shape, inputs: given.inputs.map((x, i) => ({ ...x, strides: inputs[i] as number[] })) };
  const lanes = (shape.at(-1) as number) % 4 === 0 && inputs.every(readableInFours) ? 4 : 1;
  const vectors = shape.reduce((a, b) => a * b, 1) / lanes;
  const ways = inputs.map((strides) => access(strides, shape));
  const work: Work = { chain, ways, rank: shape.length };
  const strided = inputs.flatMap((strides, i) => (ways[i] === 'strided' ? [[`s${i}_`, strides] as const] : []));
  return planSingle(`pointwise ${workText(work)} v${lanes}`, target, {
    family: 'pointwise',
    about:
      'Elements side by side: an invocation owns lanes neighbours of all outputs. An operand that is broadcast is read by coordinates: d are sizes, s strides in vectors. No barriers.',
    key: { work, lanes },
    show: { work: workText },
    bindings: [
      ...chain.inputs.map((input, i) => read(`x${i}`, elementType(input, ways[i] as Access, lanes))),
      ...chain.outputs.map((output, i) => readWrite(`y${i}`, vectorType(output.dtype, lanes))),
    ],
    // Without coordinates there is nothing to divide, and a CPU driver compiles a kernel for all sizes only once.
    bake: strided.length > 0 ? 'sizes' : 'shared',
    scalars: {
      vectors: u32(vectors),
      ...(strided.length > 0 ? sizeScalars(inVectors(shape, lanes), 1) : {}),
      ...strideScalars(Object.fromEntries(strided), lanes),
      ...chainScalars(chain),
    },
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
  if (ways.includes('strided')) lines.push(coordinates('i', range(rank)));
  const work = arithmeticType(chain);
  const vector = vectorType(work, lanes);
  chain.inputs.forEach((input, i) => {
    const way = ways[i] as Access;
    const type = elementType(input, way, lanes);
    const read = inputType(chain, i);
    const wide = vectorType(read, lanes);
    const perElement = lanes === 4 && !type.startsWith('vec4');
    const index = way === 'same' ? 'i' : way === 'single' ? '0u' : offset(`s${i}_`, range(perElement ? rank - 1 : rank));
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
