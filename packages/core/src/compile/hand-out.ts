import { scopeTrack } from '../storage/scope.js';
import type { Storage } from '../storage/storage.js';
import { Tensor } from '../tensor/tensor.js';
import type { CompiledGraph } from './compiled-graph.js';
import type { StepInput } from './feeds.js';
import type { RecordedStep } from './record-step.js';
import { mapTensors } from './tensor-tree.js';

/** A placeholder and what was copied into it. */
interface Fed {
  readonly placeholder: Tensor;
  readonly given: StepInput;
}

/** One call of a compiled function. */
interface Call {
  readonly graph: CompiledGraph;
  readonly fed: readonly Fed[];
  /** Takes down storages that the next call overwrites. */
  readonly issued: Storage[];
}

/**
 * A fresh handle on what a call gives for `x` of the recording: on the step's own result buffer, until the next call; on the
 * caller's tensor, where the function hands out what it was given; or on a captured tensor.
 */
function handOut(x: Tensor, { graph, fed, issued }: Call): Tensor {
  const input = fed.find(({ placeholder }) => placeholder.storage === x.storage);
  const given = input?.given;
  // A result that this very call has overwritten is the caller's no longer.
  if (given instanceof Tensor && given.storage.region && !given.storage.result) return new Tensor(given.storage.retain(), x.spec);
  // The placeholder itself is not for handing out: the next call copies its inputs there, perhaps before it reads this one.
  if (input) graph.copyToResult(input.placeholder);
  const own = graph.results.get(x.storage);
  const storage = own ? own.asResult() : x.storage.retain();
  if (own) issued.push(storage);
  return new Tensor(storage, x.spec);
}

/** What a call returns, and leaves in leaves. */
export function handOutResults({ result, left }: Pick<RecordedStep, 'result' | 'left'>, call: Call): unknown {
  const results = mapTensors(result, (x) => scopeTrack(handOut(x, call)));
  // A leaf gets a handle of its own, outside every scope, or the slot that it has; all before one loses what it had.
  const grads = left.map(({ value }) => (value && (value.disposed || value.storage.virtual) ? handOut(value, call) : value));
  for (const [i, { leaf, ends }] of left.entries()) leaf.leave(grads[i], ends);
  return results;
}
