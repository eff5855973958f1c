import { type BindingSpec, floatLiteral, read, readWrite } from '../../kernel.js';
import { type ChainArg, type PointwiseChain, stepName } from '../../pointwise/chain.js';
import type { Conv2dProblem } from './problem.js';

/**
 * What a product does with its results while they are still in registers: a pass over memory less each.
 *
 * Slots besides the product's own: `e1`, `e2`, … are the chain's further inputs; `sums` receives pairs [parts, channels]
 * (`Conv2dPlan.parts` tells how they are divided); `sumX`, `sumMean`, `sumRstd` are what `normGrad` needs.
 */
export interface Epilogue {
  /** Pointwise steps: input 0 is the product (f32), the others lie as the result does; the one output is stored. */
  readonly chain?: PointwiseChain | undefined;
  /**
   * Sums over the rows of every channel of what is stored. `moments`: mean and sum of squared deviations of each part, for
   * the norm that follows. `normGrad`: Σ g and Σ g·(x − mean)·rstd, for the gradient of the norm that made x.
   */
  readonly sums?: 'moments' | 'normGrad' | undefined;
}

/** More operands than this are left to a kernel of their own. */
const maxEpilogueInputs = 4;

/** Whether a chain can run on results in registers: f32 numbers, and literals for its constants. */
export function epilogueTakes(chain: PointwiseChain): boolean {
  const numbers = chain.steps.flatMap((step) => [...(step.attrs ?? []), ...step.args.flatMap((a) => ('scalar' in a ? [a.scalar] : []))]);
  const float = [...chain.inputs, ...chain.outputs].every(({ dtype }) => dtype === 'f32' || dtype === 'f16');
  return float && chain.outputs.length === 1 && chain.inputs.length <= maxEpilogueInputs + 1 && numbers.every(Number.isFinite);
}

/** Part of kernel names and of tuned tables' keys: everything the code depends on. */
export function epilogueName({ chain, sums }: Epilogue): string {
  const wiring = (arg: ChainArg): string => ('input' in arg ? `x${arg.input}` : 'step' in arg ? `t${arg.step}` : floatLiteral(arg.scalar));
  const steps = chain?.steps.map((s) => `${stepName(s)}${(s.attrs ?? []).join()}(${s.args.map(wiring).join(' ')})`).join('+');
  const types = chain && [...chain.inputs.slice(1), ...chain.outputs].map((v) => v.dtype).join();
  return [...(chain ? [`${steps} ${types}`] : []), ...(sums ? [`sums-${sums}`] : [])].join(' ');
}

/** Type of what is stored. */
export const storedType = (problem: Conv2dProblem, epilogue: Epilogue | undefined): 'f32' | 'f16' =>
  (epilogue?.chain?.outputs[0]?.dtype as 'f32' | 'f16' | undefined) ?? problem.dtype;

export function epilogueBindings(problem: Conv2dProblem, epilogue: Epilogue): BindingSpec[] {
  const { chain, sums } = epilogue;
  // A norm's operand is of the type of its gradient: what is stored here, which a chain may have converted.
  const x = `vec4<${storedType(problem, epilogue)}>`;
  return [
    ...(chain?.inputs.slice(1) ?? []).map((input, i) => read(`e${i + 1}`, `vec4<${input.dtype}>`)),
    ...(sums === 'normGrad' ? [read('sumX', x), read('sumMean', 'vec4<f32>'), read('sumRstd', 'vec4<f32>')] : []),
    ...(sums ? [readWrite('sums', 'vec4<f32>')] : []),
  ];
}
