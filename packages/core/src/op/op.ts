import { type MemoryFormat, type Plan, planCopyRegions } from '@initlab/kernels';
import { OpError, showValue } from '../checks/errors.js';
import type { BufferRegion } from '../gpu/buffer-pool.js';
import type { Device } from '../gpu/device.js';
import { currentRecorder } from '../record/recorder.js';
import { AllOrNothing, scopeTrack } from '../storage/scope.js';
import { copyTo, formatsCoincide, logicalStrides, type TensorSpec } from '../storage/spec.js';
import { type GraphValue, sharedBytes } from '../storage/storage.js';
import { checkOperand } from '../tensor/operand-checks.js';
import { Tensor } from '../tensor/tensor.js';
import { noteWrite } from '../tensor/writes.js';
import { whatRuns } from './empty-op.js';
import { GraphNode } from './graph-node.js';
import { observeOutputs } from './observe.js';
import { defineOp, type FormatWish, type Op } from './op-def.js';
import { mapSlots, type Named, present, type SlotList, type Slots } from './slots.js';
import { gradEnabled, recordOnTape } from './tape.js';

export {
  type BackwardContext,
  type BackwardRule,
  defineOp,
  type FormatWish,
  madeHere,
  noPlan,
  type Op,
  type OpDef,
  type PlanContext,
  type SpecContext,
} from './op-def.js';
export type { Named, SlotList, SlotName, Slots, SomeSlots } from './slots.js';

/**
 * Run an op on operands by slot: at once (eager), or into the graph being recorded; and onto the tape when a gradient is wanted. One
 * that is refused gives back what it took on the way.
 */
export function apply<A, In extends SlotList, Out extends SlotList>(
  op: Op<A, In, Out>,
  inputs: Slots<In, Tensor>,
  attrs: A,
): Slots<Out, Tensor>;
export function apply(op: Op, inputs: Tensors, attrs: unknown): unknown {
  return applyNamed(op, inputs, attrs);
}

function applyNamed(op: Op, args: Tensors, attrs: unknown): Tensors {
  const device = checkOperands(op, args);
  const specs = specsOf(op.operands, args);
  const wishes = op.formats?.(specs, attrs);
  if (!wishes || !op.operands.some(({ name }) => differs(args[name], wishes[name]))) return run(op, { inputs: args, specs, attrs }, device);
  using whole = new AllOrNothing();
  const inputs = mapSlots(op.operands, args, (x, name) => inFormat(x, wishes[name]));
  const outputs = run(op, { inputs, specs: specsOf(op.operands, inputs), attrs }, device);
  // Nobody else knows the conversions; the tape has handles of its own.
  for (const { name } of op.operands) if (inputs[name] !== args[name]) inputs[name]?.dispose();
  whole.done(present(op.results, outputs));
  return outputs;
}

/** As `apply`, for the many ops with one output. */
export function applyOne<A, In extends SlotList, Out extends readonly [string]>(
  op: Op<A, In, Out>,
  inputs: Slots<In, Tensor>,
  attrs: A,
): Tensor;
export function applyOne(op: Op, args: Tensors, attrs: unknown): Tensor {
  return applyNamed(op, args, attrs)[op.outputs[0] as string] as Tensor;
}

type Tensors = Named<Tensor>;

const specsOf = (slots: Op['operands'], tensors: Tensors): Named<TensorSpec> => mapSlots(slots, tensors, (x) => x.spec);

interface Given {
  readonly inputs: Tensors;
  readonly specs: Named<TensorSpec>;
  readonly attrs: unknown;
}

function run(op: Op, { inputs, specs, attrs }: Given, device: Device): Tensors {
  const made = op.infer(specs, attrs);
  const operands = present(op.operands, inputs);
  const recorder = currentRecorder();
  if (recorder) for (const x of operands) recorder.reads(x);
  const outputs: Record<string, Tensor> = {};
  const results: Tensor[] = [];
  try {
    for (const { name } of op.results) {
      const spec = made[name];
      if (!spec) continue;
      const shared = op.view === undefined ? undefined : inputs[op.view];
      const y = shared ? new Tensor(shared.storage.retain(), spec) : Tensor.allocate(device, spec, op.name, recorder !== undefined);
      outputs[name] = y;
      results.push(y);
    }
    if (op.view === undefined) {
      const runs = whatRuns(op, { inputs: specs, outputs: made });
      if (recorder)
        recorder.add(
          new GraphNode(runs, { attrs, in: mapSlots(op.operands, inputs, graphValue), out: mapSlots(op.results, outputs, graphValue) }),
        );
      else runPlan(runs.plan({ inputs: specs, outputs: made, attrs, target: device.target }), { op: runs, inputs, outputs });
    }
  } catch (error) {
    for (const y of results) y.dispose();
    throw error;
  }
  for (const y of results) scopeTrack(y);
  for (const name of op.mutates ?? []) if (inputs[name]) noteWrite(inputs[name].storage, op.name);
  if (op.backward && gradEnabled() && operands.some((x) => x.requiresGrad)) recordOnTape(op, { inputs, outputs, attrs });
  observeOutputs(op.name, operands, results);
  return outputs;
}

const graphValue = ({ storage, spec }: Tensor): GraphValue => ({ storage, spec });

/** Run a plan of an op on given tensors; the outputs are overwritten. For tuners and benches: nothing is checked or taped. */
export function runPlan(
  plan: Plan,
  { op, inputs, outputs }: { readonly op: Op; readonly inputs: Tensors; readonly outputs: Tensors },
): void {
  const regions = new Map<string, BufferRegion>();
  let device: Device | undefined;
  for (const { name } of [...op.operands, ...op.results]) {
    const x = outputs[name] ?? inputs[name];
    if (!x) continue;
    device = x.device;
    regions.set(name, regionOf(x));
  }
  device?.commands.run(plan, regions, op.name);
}

function regionOf(x: Tensor): BufferRegion {
  const { region } = x.storage;
  if (!region)
    throw new OpError(x.storage.label, 'its value belongs to a compiled function and was used outside it; return it from the function');
  return region;
}

function checkOperands(op: Op, args: Tensors): Device {
  if (!Array.isArray(op?.operands)) throw new OpError('apply', `takes an op of defineOp, got ${showValue(op)}`);
  if (typeof args !== 'object' || args === null)
    throw new OpError(op.name, `takes its operands by name, { ${op.inputs.join(', ')} }, got ${showValue(args)}`);
  let device: Device | undefined;
  for (const { name, optional } of op.operands) {
    const x = args[name];
    if (x === undefined && (optional || device)) {
      if (!optional) throw new OpError(op.name, `operand ${name} is missing`);
      continue;
    }
    if (!(x instanceof Tensor)) throw new OpError(op.name, `operand ${name} is ${showValue(x)}, not a tensor; make one with tensor(…)`);
    device ??= x.device;
    checkOperand(op.name, x, { name, device });
  }
  if (!device) throw new OpError(op.name, 'needs an operand; make one with tensor(…)');
  if (op.mutates) checkApart(op, args);
  device.checkUsable(op.name);
  return device;
}

/** Throws where what an op writes in place is also another of its operands: what comes out would depend on the kernel. */
function checkApart(op: Op, args: Tensors): void {
  for (const written of op.mutates ?? [])
    for (const { name } of op.operands) {
      const [x, other] = [args[written], args[name]];
      if (x && other && name !== written && sharedBytes(x.storage, other.storage) !== 'none')
        throw new OpError(
          op.name,
          `${written} is written in place, and ${name} shares its memory; give each a tensor of its own, e.g. a copy by mul(1)`,
        );
    }
}

const differs = (x: Tensor | undefined, wish: FormatWish = 'keep'): boolean => x?.ndim === 4 && wish !== 'keep' && x.format !== wish;

const inFormat = (x: Tensor, wish: FormatWish = 'keep'): Tensor => (wish === 'keep' ? x : convertFormat(x, wish));

/** The tensor in a memory format; itself where nothing changes. */
export const convertFormat = (x: Tensor, format: MemoryFormat): Tensor => {
  if (!differs(x, format)) return x;
  return formatsCoincide(x.shape) ? x.reinterpretFormat(format) : applyOne(toFormatOp, { x }, { format });
};
const toFormatOp: Op<{ format: MemoryFormat }, ['x'], ['y']> = defineOp<{ format: MemoryFormat }>()({
  name: 'toFormat',
  inputs: ['x'],
  outputs: ['y'],
  infer: ({ x }, { format }) => ({ y: { ...x, format } }),
  plan: ({ inputs: { x }, outputs: { y }, target }) => planCopyRegions([copyTo(y, { strides: logicalStrides(x) })], target),
  backward: ({ grads, inputs: { x } }) => ({ x: convertFormat(grads.y, x.format) }),
  backwardDifferentiable: true,
});
