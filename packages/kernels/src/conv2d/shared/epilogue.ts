import { type BindingSpec, floatLiteral, read, readWrite } from '../../kernel.js';
import { type ChainArg, type ChainFunction, type PointwiseChain, stepName, stepsText } from '../../pointwise/chain.js';
import type { Conv2dProblem } from './problem.js';

/**
 * What a product does with its results while they are still in registers: a pass over memory less each.
 *
 * Slots besides the product's own: `chain1`, `chain2`, … are the chain's further inputs; `sums` receives pairs [parts, channels]
 * (`Conv2dPlan.parts` tells how they are divided); `normX`, `normMean`, `normRstd` are what `normGrad` needs.
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

/** Part of kernel names and of tuned tables' keys: everything the code depends on, numbers as literals. */
export function epilogueText({ chain, sums }: Epilogue): string {
  const steps = chain && stepsText(chain, { attrs: (values) => values.join(), scalar: floatLiteral });
  const types = chain && [...chain.inputs.slice(1), ...chain.outputs].map((v) => v.dtype).join();
  return [...(chain ? [`${steps} ${types}`] : []), ...(sums ? [`sums-${sums}`] : [])].join(' ');
}

/** Type of what is stored. */
export const storedType = (problem: Conv2dProblem, epilogue: Epilogue | undefined): 'f32' | 'f16' =>
  (epilogue?.chain?.outputs[0]?.dtype as 'f32' | 'f16' | undefined) ?? problem.dtype;

/** What a step's arguments are to it, as the table of rows calls them. */
const roles: Readonly<Record<ChainFunction['kind'], readonly string[]>> = {
  unary: ['X'],
  binary: ['X', 'Z'],
  unaryGrad: ['G', 'X', 'Y'],
  binaryGrad: ['G', 'X', 'Z', 'Y'],
  where: ['Condition', 'Then', 'Else'],
  deviation: ['X', 'Centre', 'Factor'],
  copy: ['X'],
};

/** Steps and inputs as the kernel names them: `add0`, and `add0Z` for what it adds; input 0 is the product. */
export function chainNames({ steps, inputs }: PointwiseChain): { readonly steps: readonly string[]; readonly inputs: readonly string[] } {
  const named = steps.map((step, k) => `${stepName(step)}${k}`);
  const readAs = (input: number): string => {
    const k = steps.findIndex(({ args }) => args.some((arg) => 'input' in arg && arg.input === input));
    const step = steps[k];
    const role = step?.args.findIndex((arg) => 'input' in arg && arg.input === input);
    return step && role !== undefined ? `${named[k]}${roles[step.f.kind][role]}` : `unread${input}`;
  };
  return { steps: named, inputs: inputs.map((_, i) => (i === 0 ? 'product' : readAs(i))) };
}

/** For the reader of a dumped kernel: what becomes of the product's sums on their way out. */
export function epilogueAbout({ chain, sums }: Epilogue): string {
  const names = chain && chainNames(chain);
  const named = (arg: ChainArg): string | undefined =>
    'input' in arg ? names?.inputs[arg.input] : 'step' in arg ? names?.steps[arg.step] : floatLiteral(arg.scalar);
  const steps = chain?.steps.map((step, k) => `${names?.steps[k]} = ${stepName(step)}(${step.args.map(named).join(', ')})`);
  return [
    ...(steps ? [`Before it is stored, the product is taken on: ${steps.join(', ')}. Operands lie as result does.`] : []),
    ...(sums === 'moments' ? ['sums lie [part of the rows][channel]: mean and sum of squared deviations of what is stored.'] : []),
    ...(sums === 'normGrad'
      ? ['sums lie [part of the rows][channel]: of what is stored, g, the sums of g and of g * (normX - normMean) * normRstd.']
      : []),
  ].join('\n');
}

/** Where the kernel's names differ from the slots. */
export const epilogueSlots = ({ chain }: Epilogue): Readonly<Record<string, string>> =>
  chain ? Object.fromEntries(chainNames(chain).inputs.flatMap((name, i) => (i === 0 ? [] : [[name, `chain${i}`]]))) : {};

export function epilogueBindings(problem: Conv2dProblem, epilogue: Epilogue): BindingSpec[] {
  const { chain, sums } = epilogue;
  const names = chain ? chainNames(chain).inputs : [];
  // A norm's operand is of the type of its gradient: what is stored here, which a chain may have converted.
  const x = `vec4<${storedType(problem, epilogue)}>`;
  return [
    ...(chain?.inputs.slice(1) ?? []).map(({ dtype }, i) => read(names[i + 1] as string, `vec4<${dtype}>`)),
    ...(sums === 'normGrad' ? [read('normX', x), read('normMean', 'vec4<f32>'), read('normRstd', 'vec4<f32>')] : []),
    ...(sums ? [readWrite('sums', 'vec4<f32>')] : []),
  ];
}
