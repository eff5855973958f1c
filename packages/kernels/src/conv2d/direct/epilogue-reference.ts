import { single } from '../../kernel.js';
import { columnSums } from '../../norm/columns.wgsl.js';
import { columnsOf } from '../../norm/problem.js';
import { normGradSums } from '../../norm/grad.wgsl.js';
import { momentSums } from '../../norm/stats.wgsl.js';
import type { Plan, Target, Temporary } from '../../plan.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { planPointwise } from '../../pointwise/pointwise.js';
import { planDirect } from './direct.wgsl.js';
import { type Epilogue, storedType } from '../shared/epilogue.js';
import { type Conv2dProblem, conv2dOutputSize } from '../shared/problem.js';

/** A product and its epilogue one after the other, each in its plain kernel: what the fused ones are checked against. */
export function planEpilogueReference(
  problem: Conv2dProblem,
  direction: 'forward' | 'gradInput',
  { epilogue, target }: { epilogue: Epilogue; target: Target },
): Conv2dPlan {
  const { chain, sums } = epilogue;
  const forward = direction === 'forward';
  const [height, width] = forward ? conv2dOutputSize(problem) : [problem.inHeight, problem.inWidth];
  const channels = forward ? problem.outChannels : problem.inChannels;
  const rows = problem.batch * height * width;
  const result = forward ? 'y' : 'dx';
  const product = planDirect(problem, direction, target);
  const temporaries: Temporary[] = [...product.temporaries];
  const dispatches = [...product.dispatches];
  const rename = (plan: Plan, names: Readonly<Record<string, string>>): Plan['dispatches'] =>
    plan.dispatches.map((d) => ({ ...d, slots: d.slots.map((slot) => (typeof slot === 'string' ? (names[slot] ?? slot) : slot)) }));
  if (chain) {
    temporaries.push({ slot: 'product', bytes: rows * channels * (problem.dtype === 'f16' ? 2 : 4) });
    dispatches.splice(0, dispatches.length, ...rename(product, { [result]: 'product' }));
    const typed = { ...chain, inputs: chain.inputs.map((input, i) => (i === 0 ? { ...input, dtype: problem.dtype } : input)) };
    const names = Object.fromEntries(chain.inputs.map((_, i) => [`x${i}`, i === 0 ? 'product' : `e${i}`]));
    dispatches.push(...rename(planPointwise(typed, target), { ...names, y0: result }));
  }
  if (!sums) return { variant: 'conv2d-epilogue-reference', temporaries, dispatches };
  const norm = { segments: 1, rows, channels, groups: channels, eps: 0, dtype: storedType(problem, epilogue), affine: false };
  const columns = columnsOf(norm, target);
  const spec = sums === 'moments' ? momentSums(norm, columns) : normGradSums(norm, columns);
  const partial = single('', columnSums(spec, { problem: norm, columns, target }));
  const names = { x: sums === 'moments' ? result : 'sumX', dy: result, mean: 'sumMean', rstd: 'sumRstd', partials: 'sums' };
  return {
    variant: 'conv2d-epilogue-reference',
    temporaries,
    dispatches: [...dispatches, ...rename(partial, names)],
    parts: { count: columns.parts, rows: columns.rowsPerPart },
  };
}
