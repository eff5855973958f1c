import { planDirect } from '../conv2d/direct/direct.wgsl.js';
import type { Conv2dPlan } from '../conv2d/shared/conv2d-plan.js';
import { type Epilogue, storedType } from '../conv2d/shared/epilogue.js';
import { epilogueTotals } from '../conv2d/shared/epilogue-totals.js';
import { type Conv2dProblem, type ImageDirection, imagesOf } from '../conv2d/shared/problem.js';
import { single } from '../kernel.js';
import { columnSums } from '../norm/columns.wgsl.js';
import { normGradSums } from '../norm/grad.wgsl.js';
import { columnsOf } from '../norm/problem.js';
import { momentSums } from '../norm/stats.wgsl.js';
import { dtypeBytes, type Plan, type Target, type Temporary } from '../plan.js';
import { planPointwise } from '../pointwise/pointwise.js';
import type { Tunable } from '../tunable.js';
import type { EpilogueChoice } from './conv2d.js';

/** A product and its epilogue one after the other, each in its plain kernel: what the fused ones are checked against. */
function planEpilogueReference(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { epilogue, target }: { epilogue: Epilogue; target: Target },
): Conv2dPlan {
  const { chain, sums } = epilogue;
  const { slot: result, channels, size } = imagesOf(problem, direction).result;
  const rows = problem.batch * size[0] * size[1];
  const product = planDirect(problem, direction, target);
  const temporaries: Temporary[] = [...product.temporaries];
  const dispatches = [...product.dispatches];
  const rename = (plan: Plan, names: Readonly<Record<string, string>>): Plan['dispatches'] =>
    plan.dispatches.map((d) => ({ ...d, slots: d.slots.map((slot) => (typeof slot === 'string' ? (names[slot] ?? slot) : slot)) }));
  if (chain) {
    temporaries.push({ slot: 'product', bytes: rows * channels * dtypeBytes[problem.dtype] });
    dispatches.splice(0, dispatches.length, ...rename(product, { [result]: 'product' }));
    const typed = { ...chain, inputs: chain.inputs.map((input, i) => (i === 0 ? { ...input, dtype: problem.dtype } : input)) };
    const names = Object.fromEntries(chain.inputs.map((_, i) => [`x${i}`, i === 0 ? 'product' : `chain${i}`]));
    dispatches.push(...rename(planPointwise(typed, target), { ...names, y0: result }));
  }
  if (!sums) return { variant: 'conv2d-epilogue-reference', temporaries, dispatches };
  const norm = { segments: 1, rows, channels, groups: channels, eps: 0, dtype: storedType(problem, epilogue), affine: false };
  const columns = columnsOf(norm, target);
  const spec = sums === 'moments' ? momentSums(norm, columns) : normGradSums(norm, columns);
  const partial = single(columnSums(spec, { problem: norm, columns, target }));
  const names = { x: sums === 'moments' ? result : 'normX', dy: result, mean: 'normMean', rstd: 'normRstd', partials: 'sums' };
  return {
    variant: 'conv2d-epilogue-reference',
    temporaries,
    dispatches: [...dispatches, ...rename(partial, names)],
    parts: { count: columns.parts, rows: columns.rowsPerPart },
  };
}

/** What the tuner checks and measures a problem by. */
export const tunableOf = (found: Tunable | EpilogueChoice): Tunable => ('epilogue' in found ? epilogueTunable(found) : found);

/** A product with an epilogue, as the tuner checks and measures it. */
export function epilogueTunable(choice: EpilogueChoice): Tunable<Conv2dPlan> {
  const { problem, direction, epilogue } = choice;
  const { channels, size } = imagesOf(problem, direction).result;
  const all = { channels, rows: problem.batch * size[0] * size[1] };
  const { sums: kind } = epilogue;
  return {
    ...choice,
    reference: (target) => planEpilogueReference(problem, direction, { epilogue, target }),
    ...(kind
      ? { totals: { parts: (plan) => plan.parts?.count ?? 0, of: (sums, plan) => epilogueTotals(sums, { plan, ...all, kind }) } }
      : {}),
  };
}
