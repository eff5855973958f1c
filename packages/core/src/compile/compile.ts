import { checkChoice, checkOptions, showValue } from '../checks/check-options.js';
import { OpError } from '../checks/errors.js';
import { type Device, defaultDevice } from '../gpu/device.js';
import { autocasting } from '../op/autocast.js';
import { gradEnabled } from '../op/tape.js';
import { refuseInside } from '../record/recorder.js';
import { scopeTrack } from '../storage/scope.js';
import type { TensorSpec } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';
import { checkOperand } from '../tensor/operand-checks.js';
import { Tensor } from '../tensor/tensor.js';
import { type AsItIs, keyOf, leavesIn, toldFromCopies } from './captured.js';
import { Arena, CompiledGraph, type DispatchFacts, type TunableNode } from './compiled-graph.js';
import { checkApart, feed, giveBack, type StepInput } from './feeds.js';
import { Graph } from './graph.js';
import type { GraphRecorder } from './graph-recorder.js';
import { type Call, handOut } from './hand-out.js';
import { type RecordedStep, type RecordOptions, recordStep } from './record-step.js';
import { Recordings } from './recordings.js';
import { type RewriteName, rewriteNames, rewrites } from './rewrites/index.js';
import { mapTensors } from './tensor-tree.js';

export type { StepInput } from './feeds.js';

/** Options of `compile`. */
export interface CompileOptions {
  /** Where the step runs; default: the device opened first. */
  readonly device?: Device;
  /** Same kernels as eager, no rewrites: same bits as eager. Slower; for checks. */
  readonly exact?: boolean;
  /**
   * `mixed`: f16 activations with f32 sums, statistics, weights and losses where the adapter has f16 (see `autocast`), else
   * f32 as always; `stats().precision` tells. Train with a `LossScaler` then.
   */
  readonly precision?: 'f32' | 'mixed';
  /** Switch single rewrites off (or on): `{ writeThrough: false }`. */
  readonly rewrites?: Partial<Record<RewriteName, boolean>>;
  /** Recordings kept, by shapes of inputs and modes of layers; beyond them the one called longest ago goes. Default 32. */
  readonly maxRecordings?: number;
}

/** What a compiled step is made of, for one set of input shapes. */
export interface CompiledStats {
  /** What the step computes in: mixed precision falls back to f32 on adapters without f16. */
  readonly precision: 'f32' | 'mixed';
  /** Kernels a call runs. */
  readonly dispatches: number;
  /** Bytes that pass through memory if every binding of every dispatch is read or written once. */
  readonly bytesMoved: number;
  /** Ops that are left after the rewrites. */
  readonly nodes: number;
  /** Kernel variant of every op, in order. */
  readonly variants: readonly string[];
  /** Every dispatch in order: what a step does, without running it. */
  readonly dispatchFacts: readonly DispatchFacts[];
}

/**
 * A step recorded once per shape of its inputs, and per mode of what it uses (`train()` or `eval()`, `requiresGrad`, whether a
 * parameter has a gradient to add to), and replayed afterwards. The returned tensors hold the values of the latest call:
 * `read()` them before the next one (the copy is taken at once), or keep copies, `loss.add(0)`. Using one that was
 * overwritten is an error.
 */
export interface CompiledStep<R> {
  (...inputs: StepInput[]): R;
  /** Record, plan and create pipelines in parallel without running; the first call then starts at once. */
  prepare(...inputs: StepInput[]): Promise<void>;
  /** Facts about the step as compiled for these inputs (or the latest). */
  stats(): CompiledStats;
  /** What `initlab tune` can choose kernels for, node by node; records the step where that was not done yet. */
  tunables(...inputs: StepInput[]): readonly TunableNode[];
  /** Give all buffers back. */
  dispose(): void;
}

interface Entry {
  readonly key: string;
  readonly recorder: GraphRecorder;
  readonly graph: CompiledGraph;
  readonly recorded: Pick<RecordedStep, 'feeds' | 'result' | 'writes' | 'captured' | 'findsGradients' | 'firstOnly' | 'kept' | 'left'>;
  readonly nodes: number;
  readonly precision: 'f32' | 'mixed';
  /** What the latest call returned. */
  issued: Storage[];
}

/**
 * Compile a function of tensors (usually a whole training step: forward, backward, optimiser). It must be pure but for
 * ops: host code runs only while recording, except for hooks such as an optimiser's learning rate.
 */
export function compile<R>(body: (...inputs: Tensor[]) => R, options: CompileOptions = {}): CompiledStep<R> {
  checkOptions('compile', options, ['device', 'exact', 'precision', 'rewrites', 'maxRecordings']);
  if (options.precision) checkChoice('compile', 'precision', { value: options.precision, known: ['f32', 'mixed'] });
  checkOptions('compile', options.rewrites ?? {}, rewriteNames);
  const { maxRecordings = 32 } = options;
  if (!Number.isInteger(maxRecordings) || maxRecordings < 1)
    throw new OpError('compile', `maxRecordings is ${showValue(maxRecordings)}; give a whole number from 1`);
  let arena: Arena | undefined;
  const recordings = new Recordings<Entry>(maxRecordings, () => arena);
  /** Of recordings that served one call, since they made state: see `RecordedStep.firstOnly`. */
  const madeState = new Set<string>();
  let latest: Entry | undefined;

  const entryFor = (inputs: readonly StepInput[]): Entry => {
    const device = arena?.device ?? options.device ?? inputs.find((x) => x instanceof Tensor)?.device ?? defaultDevice();
    const specs = inputs.map((input, i) => inputSpec(input, { name: String(i), device }));
    const modes = JSON.stringify([specs, gradEnabled(), autocasting()]);
    for (const asTheyAre = new Map<number, AsItIs>(); ; ) {
      const key = asTheyAre.size === 0 ? modes : `${modes} ${keyOf(asTheyAre)}`;
      if (latest?.key !== key || !latest.recorder.holds) latest = recordings.find(key);
      if (!latest) {
        arena ??= new Arena(device);
        try {
          latest = recordEntry(key, body, { specs, asTheyAre, again: madeState.has(key), device, options, arena });
        } catch (error) {
          const leaves = leavesIn(inputs).filter(([at]) => !asTheyAre.has(at));
          if (leaves.length === 0 || !(error instanceof OpError)) throw error;
          // Perhaps it asks for their gradients: with the tensors themselves it is refused for what it does.
          for (const [at, input] of leaves) asTheyAre.set(at, input);
          continue;
        }
        recordings.add(latest);
      }
      const told = toldFromCopies(latest.recorded, inputs);
      if (told.length === 0) return latest;
      for (const [at, input] of told) asTheyAre.set(at, input);
    }
  };

  /** It cannot run here: its memory is of no use. */
  const drop = (entry: Entry, why: unknown): never => {
    recordings.drop(entry);
    if (latest === entry) latest = undefined;
    throw why;
  };

  const step = (...inputs: StepInput[]): R => {
    refuseInside();
    const entry = entryFor(inputs);
    try {
      entry.graph.bind();
    } catch (error) {
      drop(entry, error);
    }
    const { feeds, writes, result, left, firstOnly, kept } = entry.recorded;
    checkApart(feeds, inputs);
    entry.recorder.checkSaved();
    const fed = feeds.map((each) => ({ placeholder: each.placeholder, given: feed(each, inputs) }));
    for (const storage of entry.issued) storage.overwrite();
    entry.issued = [];
    entry.recorder.prepareReplay();
    entry.graph.run();
    if (firstOnly) {
      if (kept.size > 0 && madeState.has(entry.key)) recordings.noteKeeping();
      madeState.add(entry.key);
      entry.recorder.spent = true;
      for (const [value, own] of entry.graph.results) if (kept.has(value)) value.settle(own);
    }
    for (const { log, span, by } of writes) log.touch(span, by);
    for (const each of feeds) giveBack(each, inputs);
    const call: Call = { graph: entry.graph, fed, issued: entry.issued };
    const results = mapTensors(result, (x) => {
      const made = handOut(x, call);
      scopeTrack(made);
      return made;
    });
    // A leaf gets a handle of its own, outside every scope, or the slot that it has; all before one loses what it had.
    const grads = left.map(({ value }) => (value && (value.disposed || value.storage.virtual) ? handOut(value, call) : value));
    for (const [i, { leaf, ends }] of left.entries()) leaf.leave(grads[i], ends);
    // What the body gave, with other tensors: `mapTensors` keeps the rest as it is.
    return results as R;
  };
  return Object.assign(step, {
    prepare: async (...inputs: StepInput[]) => {
      const entry = entryFor(inputs);
      await entry.graph.prepare().catch((error) => drop(entry, error));
    },
    stats: () => {
      if (!latest) throw new OpError('compile', 'stats are known after the first call or prepare');
      const { dispatchFacts, variants } = latest.graph;
      const bytesMoved = dispatchFacts.reduce((sum, d) => sum + d.bytes, 0);
      return { precision: latest.precision, dispatches: dispatchFacts.length, bytesMoved, nodes: latest.nodes, variants, dispatchFacts };
    },
    tunables: (...inputs: StepInput[]) => entryFor(inputs).graph.tunables,
    dispose: () => {
      recordings.clear();
      arena?.release();
      arena = undefined;
      latest = undefined;
    },
  });
}

interface EntryOptions extends Omit<RecordOptions, 'mixed'> {
  readonly options: CompileOptions;
  readonly arena: Arena;
}

function recordEntry(key: string, body: (...inputs: Tensor[]) => unknown, { options, arena, ...how }: EntryOptions): Entry {
  const { device } = how;
  const mixed = options.precision === 'mixed' && device.caps.f16;
  const { recorder, nodes, results, ...recorded } = recordStep(body, { ...how, mixed });
  const graph = new Graph(nodes, results);
  let compiled: CompiledGraph;
  try {
    graph.removeDead();
    const target = { ...device.target, bake: !options.exact };
    if (!options.exact) for (const name of rewriteNames) if (options.rewrites?.[name] !== false) rewrites[name](graph, target);
    compiled = new CompiledGraph(device, graph, target, arena);
  } catch (error) {
    for (const table of graph.constants) table.release();
    recorder.release();
    throw error;
  }
  const precision = mixed ? 'mixed' : 'f32';
  return { key, recorder, graph: compiled, recorded, nodes: graph.nodes.length, precision, issued: [] };
}

function inputSpec(input: StepInput, { name, device }: { name: string; device: Device }): TensorSpec {
  if (input instanceof Tensor) {
    checkOperand('compile', input, { name, device });
    return { shape: input.shape, dtype: input.dtype, format: input.format };
  }
  if (typeof input === 'number') return { shape: [], dtype: 'f32', format: 'rowMajor' };
  if (!ArrayBuffer.isView(input) && !Array.isArray(input))
    throw new OpError('compile', `operand ${name} is ${input === null ? 'null' : typeof input}; give a tensor, a typed array or a number`);
  const dtype = input instanceof Int32Array ? 'i32' : input instanceof Uint32Array ? 'u32' : 'f32';
  return { shape: [input.length], dtype, format: 'rowMajor' };
}
