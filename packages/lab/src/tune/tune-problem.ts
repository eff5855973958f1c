import { add, cast, copyInto, type Device, keep, mul, scope, Tensor, type TensorSpec, tensor, toFormat, uniform } from '@initlab/core';
import { type Plan, runPlan, type Tunable, type TunableNode, tunableOf } from '@initlab/core/internal';
import { median } from '../bench/statistics.js';
import { Expected } from './expected.js';

/** A candidate whose values were right, and its milliseconds. */
export interface Timed {
  readonly variant: string;
  readonly ms: number;
}

/** What was found about one problem. */
export interface Finding {
  /** The fastest candidate. */
  readonly best: Timed;
  /** The cost model's choice. */
  readonly guess: Timed;
  /** Candidates timed. */
  readonly tried: number;
  /** Candidates that were not right here, with the reason: they can never win. */
  readonly refused: readonly { readonly variant: string; readonly reason: string }[];
  /** Whether every candidate was looked at before time was up. */
  readonly complete: boolean;
}

/** Largest error allowed beside the reference kernel, in units of the largest value: other orders of summation. */
const allowedError = { f32: 1e-4, f16: 4e-3 } as const;
/** A candidate this many times slower than the best in its first run is not timed further. */
const hopeless = 3;

/** Check every candidate against the reference kernel and time those that are right. At least one is tried. */
export async function tuneProblem(device: Device, node: TunableNode, { deadline }: { deadline: number }): Promise<Finding | undefined> {
  const { op } = node;
  const problem = tunableOf(node.problem);
  const target = { ...device.target, bake: true, tuned: new Map<string, string>() };
  const rng = tensor(Uint32Array.of(7, 0, 0, 0), { dtype: 'u32', device });
  const inputs = bySlot(node.inputs, (spec, stream) => random(spec, { rng, stream }));
  const makers = problem.candidates(target);
  const made = bySlot(node.outputs, (spec, i) =>
    Tensor.allocate(device, i === 0 ? spec : roomy(spec, { problem, makers }), 'tuner output'),
  );
  const outputs = Object.values(made);
  const operands = { op, inputs, outputs: made };
  const dtype = outputs[0]?.dtype === 'f16' ? 'f16' : 'f32';
  const refused: { variant: string; reason: string }[] = [];
  let guess: Timed | undefined;
  let best: Timed | undefined;
  let tried = 0;
  let complete = true;
  const reference = problem.reference(target);
  runPlan(reference, operands);
  const expected = await Expected.of(problem, { reference, outputs, allowed: allowedError[dtype] });
  try {
    // A GPU's driver compiles on all cores at once; a CPU's does so at the first run, and time may be up before.
    if (!device.caps.software)
      await Promise.allSettled(makers.map((make) => device.preparePipelines(make().dispatches.map((d) => d.kernel))));
    for (const make of makers) {
      if (best && performance.now() > deadline) {
        complete = false;
        break;
      }
      const plan = make();
      const { variant } = plan;
      const reason = await wrong(device, plan, { ...operands, expected });
      if (reason !== undefined) {
        refused.push({ variant, reason });
        continue;
      }
      const ms = await time(device, () => runPlan(plan, operands), { giveUpAbove: best ? best.ms * hopeless : Number.POSITIVE_INFINITY });
      tried++;
      guess ??= { variant, ms };
      if (!best || ms < best.ms) best = { variant, ms };
    }
  } finally {
    for (const x of [rng, ...Object.values(inputs), ...outputs]) x.dispose();
    expected.dispose();
  }
  return best && guess ? { best, guess, tried, refused, complete } : undefined;
}

/** A tensor for every spec that is there, in order. */
const bySlot = (specs: TunableNode['inputs'], make: (spec: TensorSpec, at: number) => Tensor): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(specs).flatMap(([slot, spec], at) => (spec ? [[slot, make(spec, at)]] : [])));

/** Numbers in [−0.5, 0.5), drawn on the device: a GPU's time is not spent on waiting for a large operand. */
function random(spec: TensorSpec, from: { rng: Tensor; stream: number }): Tensor {
  return scope(() => keep(toFormat(cast(uniform(spec.shape, { ...from, low: -0.5, high: 0.5 }), spec.dtype), spec.format)));
}

/** Further outputs are divided by tiles: enough for the candidate with the most parts. */
function roomy(spec: TensorSpec, { problem, makers }: { problem: Tunable; makers: readonly (() => Plan)[] }): TensorSpec {
  const parts = Math.max(spec.shape[0] ?? 1, ...makers.map((make) => problem.totals?.parts(make()) ?? 0));
  return { ...spec, shape: [parts, ...spec.shape.slice(1)] };
}

/** Why a plan must not be used here; undefined when its values are right. */
async function wrong(
  device: Device,
  plan: Plan,
  { op, inputs, outputs, expected }: Parameters<typeof runPlan>[1] & { outputs: Record<string, Tensor>; expected: Expected },
): Promise<string | undefined> {
  try {
    await device.preparePipelines(plan.dispatches.map((d) => d.kernel));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  // What an earlier candidate left must not pass for this one's values.
  for (const y of Object.values(outputs)) scope(() => void copyInto(y, add(mul(y, 0), 1e4)));
  runPlan(plan, { op, inputs, outputs });
  return expected.differs(plan, Object.values(outputs));
}

/** Milliseconds of a run: GPU timestamps where there are any, else wall time with a wait. */
async function time(device: Device, run: () => void, { giveUpAbove }: { giveUpAbove: number }): Promise<number> {
  const stamped = device.facts.features.includes('timestamp-query');
  const once = async (): Promise<number> => {
    if (stamped) return (await device.profile(run)).reduce((sum, row) => sum + row.milliseconds, 0);
    const begin = performance.now();
    run();
    await device.sync();
    return performance.now() - begin;
  };
  await once();
  const times = [await once()];
  if ((times[0] as number) > giveUpAbove) return times[0] as number;
  const until = performance.now() + 150;
  while (times.length < 5 || (times.length < 15 && performance.now() < until)) times.push(await once());
  // Other work on the machine only ever adds time, but the least of many runs is luck where clocks vary.
  return device.caps.software ? Math.min(...times) : median(times);
}
