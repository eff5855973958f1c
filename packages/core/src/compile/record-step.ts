import { OpError, showShape } from '../checks/errors.js';
import type { Device } from '../gpu/device.js';
import { autocast } from '../op/autocast.js';
import type { GraphNode } from '../op/graph-node.js';
import { withRecorder } from '../record/recorder.js';
import { AllOrNothing, Scope, scopeTrack } from '../storage/scope.js';
import type { TensorSpec } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';
import type { WriteLog, WrittenSpan } from '../storage/write-log.js';
import { empty } from '../tensor/create.js';
import { unusable } from '../tensor/operand-checks.js';
import { Tensor } from '../tensor/tensor.js';
import { writtenSpan } from '../tensor/writes.js';
import { type AsTheyAre, Captured } from './captured.js';
import type { Feed, StepInput } from './feeds.js';
import { GraphRecorder } from './graph-recorder.js';
import type { LeftGrad, ReadGrad } from './leaf-grads.js';
import { renewConstants } from './made-constants.js';
import { mapTensors } from './tensor-tree.js';

/** A function's ops, as one call made them. */
export interface RecordedStep {
  readonly recorder: GraphRecorder;
  readonly nodes: GraphNode[];
  /** What is copied in before every call. */
  readonly feeds: readonly Feed[];
  /** What the function returned; its handles are gone, their storages and shapes hold. */
  readonly result: unknown;
  /** Values of the result. */
  readonly results: ReadonlySet<Storage>;
  /** Where the step writes to memory that lasts, to be touched after every call. */
  readonly writes: readonly { readonly log: WriteLog; readonly span: WrittenSpan; readonly by: string }[];
  /** What it does with memory from outside as it lies there. */
  readonly captured: Captured;
  /**
   * Serves one call: it makes state that outlives the call, once or at every one, which only the next recording can tell; or it
   * keeps values.
   */
  readonly firstOnly: boolean;
  /** Values of ops that the function keeps for itself (`keep`): they are to have bytes when the call has run. */
  readonly kept: ReadonlySet<Storage>;
  /** Does it ask for gradients? */
  readonly findsGradients: boolean;
  /** What leaves hold after a call. */
  readonly left: readonly LeftGrad[];
}

type Body = (...inputs: Tensor[]) => unknown;

/** How a function is recorded. */
export interface RecordOptions {
  /** Of its inputs. */
  readonly specs: readonly TensorSpec[];
  /** Inputs that it works on as they are, by number; of the others each call copies the values in. */
  readonly asTheyAre: AsTheyAre;
  /** A recording before, whose state may have been for the first call alone, made some: what this one makes is made at every call. */
  readonly again: boolean;
  readonly device: Device;
  readonly mixed: boolean;
}

/** Calls `body` once with placeholders for its inputs. What it throws is thrown, and nothing is left of the recording then. */
export function recordStep(body: Body, options: RecordOptions): RecordedStep {
  const recorder = new GraphRecorder();
  const made = called(body, recorder, options);
  try {
    return finished(recorder, made, options);
  } catch (error) {
    recorder.release();
    throw error;
  }
}

/** What a recording is replayed from: the constants that the function writes to are made anew in it. */
function finished(recorder: GraphRecorder, { placeholders, result }: Called, { asTheyAre, again }: RecordOptions): RecordedStep {
  using whole = new AllOrNothing();
  recorder.scopeEnded();
  const returned = new Set<Storage>();
  mapTensors(result, (x) => {
    returned.add(x.storage);
    return x;
  });
  const made = new Set(recorder.constants.map(({ storage }) => storage));
  const left = recorder.leftGrads;
  // The scope of the call has ended: only what was kept still has a handle, and what tells it from the next is in JavaScript.
  const kept = [...new Set(recorder.nodes.flatMap(({ makes }) => makes.map((y) => y.storage)))].filter((y) => y.virtual && y.alive);
  const inLeaves = new Set(left.map(({ value }) => value?.storage));
  const ofItsOwn = kept.filter((storage) => !inLeaves.has(storage));
  for (const storage of ofItsOwn) returned.add(storage);
  for (const { value } of left) if (value && (value.storage.virtual || made.has(value.storage))) returned.add(value.storage);
  const written = new Set(recorder.nodes.flatMap((node) => node.writes));
  const constants = [...recorder.constants, ...recorder.lasting];
  for (const { storage } of constants) if (storage.alive) recorder.hold(storage);
  const { nodes, instead, pristine, keeps, given } = renewConstants(recorder.nodes, constants, {
    again,
    results: returned,
    left: new Set(left.flatMap(({ value }) => (value ? [value.storage] : []))),
  });
  for (const storage of instead.keys()) if (!nodes.some((node) => node.reads.some((v) => v.storage === storage))) recorder.drop(storage);
  for (const storage of pristine) recorder.own(storage);
  if (again) recorder.hands(given);
  whole.done();
  const own = (storage: Storage): Storage => instead.get(storage) ?? storage;
  const moved = (x: Tensor): Tensor => (instead.has(x.storage) ? new Tensor(own(x.storage), x.spec) : x);
  const inputs = placeholders.flatMap((placeholder, at) => (asTheyAre.has(at) ? [] : [{ placeholder, at }]));
  const feeds = feedsOf(inputs, recorder.readGrads, written);
  return {
    recorder,
    nodes,
    feeds,
    result: mapTensors(result, moved),
    results: new Set([...returned].map(own)),
    writes: writesOf(nodes),
    captured: new Captured(nodes, new Set(feeds.map(({ placeholder }) => placeholder.storage))),
    firstOnly: ofItsOwn.length > 0 || (!again && (keeps || recorder.makesState)),
    kept: new Set(ofItsOwn),
    findsGradients: recorder.findsGradients,
    left: left.map((each) => ({ ...each, value: each.value && moved(each.value) })),
  };
}

type Input = Pick<Feed, 'placeholder'> & { readonly at: number };

function feedsOf(inputs: readonly Input[], grads: readonly ReadGrad[], written: ReadonlySet<Storage>): Feed[] {
  const fed = inputs.map((input) => ({ ...input, name: `input ${input.at}`, from: (given: readonly StepInput[]) => given[input.at] }));
  const read = grads.map(({ leaf, placeholder }) => ({
    placeholder,
    name: `the gradient of a leaf ${showShape(placeholder.shape)}`,
    from: () => leaf.current,
  }));
  return [...fed, ...read].map((each) => ({ ...each, written: written.has(each.placeholder.storage) }));
}

function writesOf(nodes: readonly GraphNode[]): RecordedStep['writes'] {
  const by = new Map<Storage, string>();
  for (const node of nodes) for (const storage of node.writes) if (!storage.virtual) by.set(storage, node.op.name);
  return [...by].map(([storage, name]) => ({ ...writtenSpan(storage), by: `${name} in a compiled step` }));
}

interface Called {
  /** What stood for the inputs, in their order. */
  readonly placeholders: readonly Tensor[];
  readonly result: unknown;
}

function called(body: Body, recorder: GraphRecorder, { specs, asTheyAre, device, mixed }: RecordOptions): Called {
  // Its handles end here, the returned ones too: the recorder owns what a step needs of them.
  using _ = new Scope();
  try {
    const placeholders = specs.map((spec, i) => {
      const { storage, itself } = asTheyAre.get(i) ?? {};
      if (itself) return itself;
      if (!storage) return empty(spec.shape, { dtype: spec.dtype, device, format: spec.format });
      return scopeTrack(new Tensor(storage.retain(), spec));
    });
    for (const x of placeholders) recorder.hold(x.storage);
    const result = withRecorder(recorder, () => {
      // What the function does to its inputs is its own doing at every call.
      for (const [i, x] of placeholders.entries()) if (!asTheyAre.get(i)?.itself) x.belongToRecording();
      return mixed ? autocast(() => body(...placeholders)) : body(...placeholders);
    });
    if (result instanceof Promise) {
      // What it was refused inside is told by this error.
      result.catch(() => undefined);
      throw new OpError('compile', 'the function is async; return the tensors that are wanted and read() them outside it');
    }
    mapTensors(result, (x) => {
      const wrong = unusable(x);
      if (wrong) throw new OpError('compile', `what the function returned ${wrong}`);
      recorder.reads(x);
      recorder.hold(x.storage);
      return x;
    });
    recorder.finish();
    return { placeholders, result };
  } catch (error) {
    recorder.finish();
    recorder.release();
    const [wanted, got] = [body.length, specs.length];
    if (wanted <= got || !(error instanceof TypeError || error instanceof OpError)) throw error;
    throw new OpError('compile', `the function has ${wanted} parameters and got ${got} inputs (${error.message})`, { cause: error });
  }
}
