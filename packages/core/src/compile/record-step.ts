import { autocast } from '../autocast.js';
import { empty } from '../create.js';
import { OpError } from '../errors.js';
import type { Device } from '../gpu/device.js';
import { guard } from '../guard.js';
import { type GraphNode, withRecorder } from '../recorder.js';
import { AllOrNothing, Scope } from '../scope.js';
import type { TensorSpec } from '../spec.js';
import type { Storage } from '../storage.js';
import { Tensor } from '../tensor.js';
import { writtenBy } from './graph.js';
import type { WriteLog, WrittenSpan } from '../write-log.js';
import { writtenSpan } from '../writes.js';
import { GraphRecorder } from './graph-recorder.js';
import { renewConstants } from './made-constants.js';
import { mapTensors } from './tensor-tree.js';

/** A function's ops, as one call made them. */
export interface RecordedStep {
  readonly recorder: GraphRecorder;
  readonly nodes: GraphNode[];
  readonly placeholders: readonly Tensor[];
  /** What the function returned; its handles are gone, their storages and shapes hold. */
  readonly result: unknown;
  /** Values of the result. */
  readonly results: ReadonlySet<Storage>;
  /** Where the step writes to memory that lasts, to be touched after every call. */
  readonly writes: readonly { readonly log: WriteLog; readonly span: WrittenSpan; readonly by: string }[];
  /** Inputs that the function writes to. */
  readonly writtenInputs: readonly number[];
}

type Body = (...inputs: Tensor[]) => unknown;

/** Calls `body` once with placeholders for its inputs. What it throws is thrown, and nothing is left of the recording then. */
export function recordStep(
  body: Body,
  { specs, device, mixed }: { readonly specs: readonly TensorSpec[]; readonly device: Device; readonly mixed: boolean },
): RecordedStep {
  const recorder = new GraphRecorder();
  const { placeholders, result } = called(body, recorder, { specs, device, mixed });
  try {
    return finished(recorder, placeholders, result);
  } catch (error) {
    recorder.release();
    throw error;
  }
}

/** What a recording is replayed from: the constants that the function writes to are made anew in it. */
function finished(recorder: GraphRecorder, placeholders: readonly Tensor[], result: unknown): RecordedStep {
  using whole = new AllOrNothing();
  const returned = new Set<Storage>();
  mapTensors(result, (x) => {
    returned.add(x.storage);
    return x;
  });
  const written = new Set(recorder.nodes.flatMap(writtenBy));
  const { nodes, instead, pristine } = renewConstants(recorder.nodes, recorder.constants, {
    results: returned,
    left: recorder.leftStorages,
  });
  for (const storage of instead.keys()) if (!nodes.some((node) => node.inputs.some((v) => v?.storage === storage))) recorder.drop(storage);
  for (const storage of pristine) recorder.own(storage);
  whole.done();
  const own = (storage: Storage): Storage => instead.get(storage) ?? storage;
  return {
    recorder,
    nodes,
    placeholders,
    result: mapTensors(result, (x) => (instead.has(x.storage) ? new Tensor(own(x.storage), x.spec) : x)),
    results: new Set([...returned].map(own)),
    writes: writesOf(nodes),
    writtenInputs: placeholders.flatMap((x, i) => (written.has(x.storage) ? [i] : [])),
  };
}

function writesOf(nodes: readonly GraphNode[]): RecordedStep['writes'] {
  const by = new Map<Storage, string>();
  for (const node of nodes) for (const storage of writtenBy(node)) if (!storage.virtual) by.set(storage, node.op.name);
  return [...by].map(([storage, name]) => ({ ...writtenSpan(storage), by: `${name} in a compiled step` }));
}

function called(
  body: Body,
  recorder: GraphRecorder,
  { specs, device, mixed }: { readonly specs: readonly TensorSpec[]; readonly device: Device; readonly mixed: boolean },
): { placeholders: readonly Tensor[]; result: unknown } {
  // Its handles end here, the returned ones too: the recorder owns what a step needs of them.
  using _ = new Scope();
  try {
    const placeholders = specs.map((s) => empty(s.shape, { dtype: s.dtype, device, format: s.format }));
    for (const x of placeholders) recorder.hold(x.storage);
    const result = withRecorder(recorder, () => {
      // What the function does to its inputs is its own doing at every call.
      for (const x of placeholders) guard(x);
      return mixed ? autocast(() => body(...placeholders)) : body(...placeholders);
    });
    if (result instanceof Promise) throw new OpError('compile', 'the function is async; read results outside it');
    mapTensors(result, (x) => {
      recorder.hold(x.storage);
      return x;
    });
    return { placeholders, result };
  } catch (error) {
    recorder.release();
    const [wanted, got] = [body.length, specs.length];
    if (wanted <= got || !(error instanceof TypeError || error instanceof OpError)) throw error;
    throw new OpError('compile', `the function has ${wanted} parameters and got ${got} inputs (${error.message})`, { cause: error });
  } finally {
    recorder.finish();
  }
}
