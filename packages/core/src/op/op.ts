import { showValue } from '../checks/check-options.js';
import type { MemoryFormat, Plan } from '@initlab/kernels';
import { observeOutputs } from '../autograd/anomaly-hook.js';
import { whatRuns } from './empty-op.js';
import { OpError } from '../checks/errors.js';
import type { BufferRegion } from '../gpu/buffer-pool.js';
import type { Device } from '../gpu/device.js';
import { type FormatWish, type OpDef, slotName } from './op-def.js';
import { checkOperand } from '../checks/operand-checks.js';
import { currentRecorder } from '../record/recorder.js';
import { AllOrNothing, scopeTrack } from '../tensor/scope.js';
import { formatsCoincide } from '../tensor/spec.js';
import { sharedBytes } from '../tensor/storage.js';
import { gradEnabled, recordOnTape } from '../autograd/tape.js';
import { Tensor } from '../tensor/tensor.js';
import { noteWrite } from '../tensor/writes.js';

export { type BackwardContext, type BackwardRule, defineOp, type FormatWish, type OpDef, type PlanContext, slotName } from './op-def.js';

type Maybe<T> = T | undefined;

/** Converts a tensor's memory format; set by the op that does it, since that op itself runs through `apply`. */
let convertFormat: (x: Tensor, format: MemoryFormat) => Tensor = () => {
  throw new Error('op: no format conversion registered; import @initlab/core by its index');
};
/** Internal: set by the op that converts formats. */
export const registerFormatConversion = (convert: typeof convertFormat): void => {
  convertFormat = convert;
};

/**
 * Run an op: at once (eager), or into the graph being recorded; and onto the tape when a gradient is wanted. One that is refused
 * gives back what it took on the way.
 */
export function apply<A>(op: OpDef<A>, args: readonly Maybe<Tensor>[], attrs: A): Tensor[] {
  const device = checkOperands(op as OpDef, args);
  const wishes = wishesOf(op, args, attrs);
  if (!wishes) return run(op, args, attrs, device);
  using whole = new AllOrNothing();
  const inputs = args.map((x, i) => inFormat(x, wishes[i]));
  const outputs = run(op, inputs, attrs, device);
  // Nobody else knows the conversions; the tape has handles of its own.
  for (const [i, x] of inputs.entries()) if (x !== args[i]) x?.dispose();
  return whole.done(outputs);
}

function run<A>(op: OpDef<A>, inputs: readonly Maybe<Tensor>[], attrs: A, device: Device): Tensor[] {
  const specs = op.infer(
    inputs.map((x) => x?.spec),
    attrs,
  );
  const recorder = currentRecorder();
  if (recorder) for (const x of inputs) if (x) recorder.reads(x);
  const outputs: Tensor[] = [];
  try {
    if (op.view) outputs.push(new Tensor((inputs[0] as Tensor).storage.retain(), specs[0] as Tensor['spec']));
    else for (const spec of specs) outputs.push(Tensor.allocate(device, spec, op.name, recorder !== undefined));
    if (!op.view) {
      const runs = whatRuns(
        op as OpDef,
        inputs.map((x) => x?.spec),
        specs,
      );
      if (recorder)
        recorder.add({
          op: runs,
          attrs,
          inputs: inputs.map((x) => x && { storage: x.storage, spec: x.spec }),
          outputs: outputs.map((y) => ({ storage: y.storage, spec: y.spec })),
        });
      else runEager(runs, { inputs, outputs, attrs }, device);
    }
  } catch (error) {
    for (const output of outputs) output.dispose();
    throw error;
  }
  for (const output of outputs) scopeTrack(output);
  if (op.mutates) noteWrites(op as OpDef, inputs);
  if (op.backward && gradEnabled() && inputs.some((x) => x?.requiresGrad)) recordOnTape(op as OpDef, inputs, outputs, attrs);
  observeOutputs(op.name, inputs, outputs);
  return outputs;
}

/** As `apply`, for the many ops with one output. */
export const applyOne = <A>(op: OpDef<A>, args: readonly Maybe<Tensor>[], attrs: A): Tensor => apply(op, args, attrs)[0] as Tensor;

function noteWrites(op: OpDef, inputs: readonly Maybe<Tensor>[]): void {
  op.inputs.forEach((slot, i) => {
    const storage = op.mutates?.includes(slotName(slot)) ? inputs[i]?.storage : undefined;
    if (storage) noteWrite(storage, op.name);
  });
}

interface Operands {
  readonly inputs: readonly Maybe<Tensor>[];
  readonly outputs: readonly Tensor[];
}

function runEager(op: OpDef, { attrs, ...operands }: Operands & { readonly attrs: unknown }, { target }: Device): void {
  const { inputs, outputs } = operands;
  const plan = op.plan({ inputs: inputs.map((x) => x?.spec), outputs: outputs.map((y) => y.spec), attrs, target });
  runPlan(plan, { op, ...operands });
}

/** Run a plan of an op on given tensors; the outputs are overwritten. For tuners and benches: nothing is checked or taped. */
export function runPlan(plan: Plan, { op, inputs, outputs }: Operands & { readonly op: OpDef }): void {
  const regions = new Map<string, BufferRegion>();
  inputs.forEach((x, i) => {
    if (x) regions.set(slotName(op.inputs[i] as string), regionOf(x));
  });
  outputs.forEach((y, i) => {
    regions.set(op.outputs[i] as string, regionOf(y));
  });
  (outputs[0] ?? (inputs[0] as Tensor)).device.commands.run(plan, regions, op.name);
}

function regionOf(x: Tensor): BufferRegion {
  const { region } = x.storage;
  if (!region)
    throw new OpError(x.storage.label, 'its value belongs to a compiled function and was used outside it; return it from the function');
  return region;
}

function checkOperands(op: OpDef, args: readonly Maybe<Tensor>[]): Device {
  if (!Array.isArray(op?.inputs)) throw new OpError('apply', `takes an op of defineOp, got ${showValue(op)}`);
  if (!Array.isArray(args)) throw new OpError(op.name, `takes its operands as a list, got ${showValue(args)}`);
  const first = args[0];
  if (!(first instanceof Tensor))
    throw new OpError(op.name, `operand ${slotName(op.inputs[0] ?? 'x')} is ${showValue(first)}, not a tensor; make one with tensor(…)`);
  if (args.length > op.inputs.length) throw new OpError(op.name, `takes ${op.inputs.length} tensors, got ${args.length}`);
  op.inputs.forEach((slot, i) => {
    const x = args[i];
    if (x === undefined) {
      if (!slot.endsWith('?')) throw new OpError(op.name, `operand ${slot} is missing`);
      return;
    }
    if (!(x instanceof Tensor))
      throw new OpError(op.name, `operand ${slotName(slot)} is ${showValue(x)}, not a tensor; make one with tensor(…)`);
    checkOperand(op.name, x, { name: slotName(slot), device: first.device });
  });
  if (op.mutates) checkApart(op, args);
  first.device.checkUsable(op.name);
  return first.device;
}

/** Throws where what an op writes in place is also another of its operands: what comes out would depend on the kernel. */
function checkApart(op: OpDef, args: readonly Maybe<Tensor>[]): void {
  for (const [i, x] of args.entries()) {
    const slot = slotName(op.inputs[i] as string);
    if (!x || !op.mutates?.includes(slot)) continue;
    for (const [k, other] of args.entries())
      if (other && k !== i && sharedBytes(x.storage, other.storage) !== 'none')
        throw new OpError(
          op.name,
          `${slot} is written in place, and ${slotName(op.inputs[k] as string)} shares its memory; give each a tensor of its own, e.g. a copy by mul(1)`,
        );
  }
}

/** What format each input has to be converted to; `undefined` where all may stay as they are, as most do. */
function wishesOf<A>(op: OpDef<A>, args: readonly Maybe<Tensor>[], attrs: A): readonly FormatWish[] | undefined {
  const wishes = op.formats?.(
    args.map((x) => x?.spec),
    attrs,
  );
  return wishes?.some((wish, i) => differs(args[i], wish)) ? wishes : undefined;
}

const differs = (x: Maybe<Tensor>, wish: FormatWish): boolean => x?.ndim === 4 && wish !== 'keep' && x.format !== wish;

function inFormat(x: Maybe<Tensor>, wish: FormatWish = 'keep'): Maybe<Tensor> {
  if (!x || wish === 'keep' || !differs(x, wish)) return x;
  return formatsCoincide(x.shape) ? x.reinterpretFormat(wish) : convertFormat(x, wish);
}
