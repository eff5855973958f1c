import { autocasting } from '../autocast.js';
import { checkChoice, checkOptions, showValue } from '../check-options.js';
import { type Device, defaultDevice } from '../gpu/device.js';
import { toBytes } from '../host-data.js';
import { OpError } from '../errors.js';
import { checkOperand } from '../operand-checks.js';
import { scopeTrack } from '../scope.js';
import { bytesOf, sameShape, type TensorSpec } from '../spec.js';
import type { Storage } from '../storage.js';
import { gradEnabled } from '../tape.js';
import { Tensor } from '../tensor.js';
import { noteWrite } from '../writes.js';
import { Arena, CompiledGraph, type DispatchFacts, type TunableNode } from './compiled-graph.js';
import { Graph, overlaps } from './graph.js';
import type { GraphRecorder } from './graph-recorder.js';
import { type RecordedStep, recordStep } from './record-step.js';
import { Recordings } from './recordings.js';
import { type RewriteName, rewriteNames, rewrites } from './rewrites/index.js';
import { mapTensors } from './tensor-tree.js';

/** What a compiled step takes: a tensor, a vector of numbers, or one number (a scalar f32 tensor inside). */
export type StepInput = Tensor | Float32Array | Int32Array | Uint32Array | number;

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
  readonly placeholders: readonly Tensor[];
  readonly recorder: GraphRecorder;
  readonly graph: CompiledGraph;
  readonly result: unknown;
  readonly writes: RecordedStep['writes'];
  readonly writtenInputs: readonly number[];
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
  checkOptions<CompileOptions>('compile', options, ['device', 'exact', 'precision', 'rewrites', 'maxRecordings']);
  if (options.precision) checkChoice('compile', 'precision', { value: options.precision, known: ['f32', 'mixed'] });
  checkOptions('compile', options.rewrites ?? {}, rewriteNames);
  const { maxRecordings = 32 } = options;
  if (!Number.isInteger(maxRecordings) || maxRecordings < 1)
    throw new OpError('compile', `maxRecordings is ${showValue(maxRecordings)}; give a whole number from 1`);
  let arena: Arena | undefined;
  const recordings = new Recordings<Entry>(maxRecordings, () => arena);
  let latest: Entry | undefined;

  const entryFor = (inputs: readonly StepInput[]): Entry => {
    const device = arena?.device ?? options.device ?? inputs.find((x) => x instanceof Tensor)?.device ?? defaultDevice();
    const specs = inputs.map((input, i) => inputSpec(input, { name: String(i), device }));
    const key = JSON.stringify([specs, gradEnabled(), autocasting()]);
    if (latest?.key === key && latest.recorder.holds) return latest;
    latest = recordings.find(key);
    if (latest) return latest;
    arena ??= new Arena(device);
    latest = recordEntry(key, body, specs, device, options, arena);
    recordings.add(latest);
    return latest;
  };

  /** It cannot run here: its memory is of no use. */
  const drop = (entry: Entry, why: unknown): never => {
    recordings.drop(entry);
    if (latest === entry) latest = undefined;
    throw why;
  };

  const step = (...inputs: StepInput[]): R => {
    const entry = entryFor(inputs);
    try {
      entry.graph.bind();
    } catch (error) {
      drop(entry, error);
    }
    for (const i of entry.writtenInputs) checkApart(inputs, i);
    entry.recorder.checkSaved();
    inputs.forEach((input, i) => {
      feed(input, entry.placeholders[i] as Tensor);
    });
    for (const storage of entry.issued) storage.overwrite();
    entry.issued = [];
    entry.recorder.prepareReplay();
    entry.graph.run();
    for (const { log, span, by } of entry.writes) log.touch(span, by);
    for (const i of entry.writtenInputs) giveBack(entry.placeholders[i] as Tensor, inputs, i);
    return mapTensors(entry.result, (x) => resultHandle(x, entry)) as R;
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

function recordEntry(
  key: string,
  body: (...inputs: Tensor[]) => unknown,
  specs: readonly TensorSpec[],
  device: Device,
  options: CompileOptions,
  arena: Arena,
): Entry {
  const mixed = options.precision === 'mixed' && device.caps.f16;
  const { recorder, nodes, placeholders, result, results, writes, writtenInputs } = recordStep(body, { specs, device, mixed });
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
  return {
    key,
    placeholders,
    recorder,
    graph: compiled,
    result,
    writes,
    writtenInputs,
    nodes: graph.nodes.length,
    precision: mixed ? 'mixed' : 'f32',
    issued: [],
  };
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

function feed(input: StepInput, placeholder: Tensor): void {
  const to = placeholder.storage.region;
  if (!to) throw new OpError('compile', 'the step was disposed');
  const { device } = placeholder;
  if (!(input instanceof Tensor)) {
    device.writeRegion(to, toBytes(typeof input === 'number' ? [input] : input, placeholder.spec));
    return;
  }
  const from = input.storage.region;
  if (!from || !sameShape(input.shape, placeholder.shape)) throw new OpError('compile', 'an input has no value here');
  device.commands.copy(from, to, bytesOf(placeholder.spec));
}

/** The function writes to input `at`; an input that shares its bytes would not see that, since each is copied in. */
function checkApart(inputs: readonly StepInput[], at: number): void {
  const written = inputs[at];
  const other = inputs.findIndex(
    (x, i) => i !== at && x instanceof Tensor && written instanceof Tensor && overlaps(x.storage, written.storage),
  );
  if (other >= 0)
    throw new OpError('compile', `the function writes to input ${at}, which shares its bytes with input ${other}; pass a copy`);
}

/** What the function did to an input it did to the caller's tensor. */
function giveBack(placeholder: Tensor, inputs: readonly StepInput[], at: number): void {
  const input = inputs[at];
  if (!(input instanceof Tensor)) return;
  const [from, to] = [placeholder.storage.region, input.storage.region];
  if (!from || !to) return;
  input.device.commands.copy(from, to, bytesOf(placeholder.spec));
  noteWrite(input.storage, 'a compiled step');
}

/** A fresh handle on the step's own result buffer, so that callers may dispose theirs; it ends with the next call. */
function resultHandle(x: Tensor, { graph, placeholders, issued }: Entry): Tensor {
  const own = graph.results.get(x.storage) ?? placeholders.find((p) => p.storage === x.storage)?.storage;
  const storage = own ? own.asResult() : x.storage.retain();
  if (own) issued.push(storage);
  const made = new Tensor(storage, x.spec);
  scopeTrack(made);
  return made;
}
