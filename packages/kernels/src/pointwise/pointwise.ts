import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, type Scalars, u32 } from '../kernel.js';
import type { DType, Plan, Target } from '../plan.js';
import { type ChainArg, type ChainInput, type PointwiseChain, stepExpression, stepName } from './chain.js';
import { collapse } from './collapse.js';
import { mathFunctions, mathUsedIn } from './math.wgsl.js';

const workgroupSize = 64;

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
  const lanes = inner % 4 === 0 && inputs.every((strides) => (strides.at(-1) ?? 0) <= 1 && strides.slice(0, -1).every((s) => s % 4 === 0)) ? 4 : 1;
  const ways = inputs.map((strides) => access(strides, shape));
  const vectors = size / lanes;

  const scalars: Record<string, ReturnType<typeof u32>> = { vectors: u32(vectors) };
  if (ways.includes('strided')) shape.slice(1).forEach((d, i) => Object.assign(scalars, { [`d${i + 1}`]: u32(i + 2 === shape.length ? d / lanes : d) }));
  inputs.forEach((strides, i) => {
    if (ways[i] !== 'strided') return;
    strides.forEach((s, d) => Object.assign(scalars, { [`s${i}_${d}`]: u32(d + 1 === shape.length ? s : s / lanes) }));
  });
  const numbers: Record<string, ReturnType<typeof f32>> = {};
  chain.steps.forEach((step, k) => {
    step.attrs?.forEach((value, i) => Object.assign(numbers, { [`a${k}_${i}`]: f32(finite(value)) }));
    step.args.forEach((arg, i) => {
      if ('scalar' in arg) Object.assign(numbers, { [`c${k}_${i}`]: f32(finite(arg.scalar)) });
    });
  });
  const all: Scalars = { ...scalars, ...numbers };
  const f16 = [...chain.inputs, ...chain.outputs].some((v) => v.dtype === 'f16');
  const name = kernelName(chain, ways, shape.length, lanes);
  return {
    variant: name,
    temporaries: [],
    dispatches: [
      dispatch(target, {
        name,
        enables: f16 ? ['f16'] : [],
        alwaysBake: Object.keys(all).length > 16,
        bindings: [
          ...chain.inputs.map((input, i) => read(`x${i}`, elementType(input, ways[i] as Access, lanes))),
          ...chain.outputs.map((output, i) => readWrite(`y${i}`, vectorType(output.dtype, lanes))),
        ],
        scalars: all,
        workgroups: linearGroups(ceilDiv(vectors, workgroupSize), target),
        code: () => body(chain, ways, shape.length, lanes),
      }),
    ],
  };
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

/** Scalars are WGSL numbers; the largest float stands for infinity (clamp without a bound). */
const finite = (value: number): number => {
  if (Number.isNaN(value)) throw new RangeError('pointwise: an attribute is NaN');
  return Math.max(-3.4028234663852886e38, Math.min(3.4028234663852886e38, value));
};

function kernelName(chain: PointwiseChain, ways: readonly Access[], rank: number, lanes: number): string {
  const wiring = (arg: ChainArg): string => ('input' in arg ? `x${arg.input}` : 'step' in arg ? `t${arg.step}` : 'c');
  const steps = chain.steps.map((s) => `${stepName(s)}(${s.args.map(wiring).join(' ')})`).join('+');
  const inputs = chain.inputs.map((x, i) => `${x.dtype}${ways[i] === 'strided' ? `/${x.strides.at(-1) === 0 ? 'b' : 's'}${rank}` : ways[i] === 'single' ? '/1' : ''}`);
  return `pointwise ${steps} ${inputs.join(',')}→${chain.outputs.map((y) => y.dtype + wiring(y.value)).join(',')} v${lanes}`;
}

function body(chain: PointwiseChain, ways: readonly Access[], rank: number, lanes: number): string {
  const lines: string[] = [];
  if (ways.includes('strided')) {
    lines.push('var rest = i;');
    for (let d = rank - 1; d >= 1; d--) lines.push(`let k${d} = rest % p.d${d}; rest = rest / p.d${d};`);
    lines.push('let k0 = rest;');
  }
  const vector = lanes === 4 ? 'vec4f' : 'f32';
  chain.inputs.forEach((input, i) => {
    const way = ways[i] as Access;
    const type = elementType(input, way, lanes);
    const perElement = lanes === 4 && !type.startsWith('vec4');
    const terms = Array.from({ length: rank }, (_, d) => `k${d} * p.s${i}_${d}`);
    // Strides were divided by the vector width; a scalar read multiplies back.
    const offset = perElement ? `(${terms.slice(0, -1).join(' + ') || '0u'}) * 4u` : terms.join(' + ');
    const index = way === 'same' ? 'i' : way === 'single' ? '0u' : offset;
    lines.push(`let x${i}v = ${vector}(${input.dtype === 'f32' ? `x${i}[${index}]` : convert(type, `x${i}[${index}]`)});`);
  });
  const perLane = (component: string): string => {
    const value = (arg: ChainArg, k: number, i: number): string =>
      'input' in arg ? `x${arg.input}v${component}` : 'step' in arg ? `t${arg.step}` : `p.c${k}_${i}`;
    const inner = chain.steps.map((step, k) => {
      const args = step.args.map((arg, i) => value(arg, k, i));
      const attrs = (step.attrs ?? []).map((_, i) => `p.a${k}_${i}`);
      return `let t${k} = ${stepExpression(step.f, args, attrs)};`;
    });
    const outs = chain.outputs.map((output, i) => `r${i}${component} = ${value(output.value, -1, -1)};`);
    return `{ ${[...inner, ...outs].join(' ')} }`;
  };
  chain.outputs.forEach((_, i) => {
    lines.push(`var r${i}: ${vector};`);
  });
  for (const component of lanes === 4 ? ['.x', '.y', '.z', '.w'] : ['']) lines.push(perLane(component));
  chain.outputs.forEach((output, i) => {
    lines.push(`y${i}[i] = ${output.dtype === 'f32' ? `r${i}` : `${vectorType(output.dtype, lanes)}(r${i})`};`);
  });
  const text = lines.join('\n  ');
  return `${mathFunctions(mathUsedIn(text))}

@compute @workgroup_size(${workgroupSize})
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * ${workgroupSize}u + lane;
  if (i >= p.vectors) { return; }
  ${text}
}`;
}

const convert = (type: string, text: string): string => (type.startsWith('vec4') ? `vec4f(${text})` : `f32(${text})`);
