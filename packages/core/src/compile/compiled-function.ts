import { OpError } from '../checks/errors.js';
import { type Device, defaultDevice } from '../gpu/device.js';
import { autocasting } from '../op/autocast.js';
import { gradEnabled } from '../op/tape.js';
import { refuseInside } from '../record/recorder.js';
import type { TensorSpec } from '../storage/spec.js';
import { rowMajor } from '../storage/spec.js';
import { checkOperand } from '../tensor/operand-checks.js';
import { Tensor } from '../tensor/tensor.js';
import { type AsItIs, keyOf, leavesIn, toldFromCopies } from './captured.js';
import type { CompileOptions } from './compile-options.js';
import { Arena, type DispatchFacts } from './compiled-graph.js';
import { checkApart, feed, giveBack, type StepInput } from './feeds.js';
import { handOutResults } from './hand-out.js';
import { makeRecording, type StepRecording } from './make-recording.js';
import type { RecordOptions } from './record-step.js';
import { Recordings } from './recordings.js';

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

/** A function of tensors and what was recorded of it: calls find the recording that serves them, or make it. */
export class CompiledFunction<R> {
  /** There from the first recording on. */
  private arena: Arena | undefined;
  private readonly recordings: Recordings;
  /** Of recordings that served one call, since they made state: see `RecordedStep.firstOnly`. */
  private readonly madeState = new Set<string>();
  private latest: StepRecording | undefined;

  constructor(
    private readonly body: (...inputs: Tensor[]) => R,
    private readonly options: CompileOptions,
  ) {
    this.recordings = new Recordings(options.maxRecordings ?? 32, () => this.arena);
  }

  /** Facts about the latest recording. */
  get stats(): CompiledStats {
    if (!this.latest) throw new OpError('compile', 'stats are known after the first call or prepare');
    const { graph, precision, nodes } = this.latest;
    const { dispatchFacts, variants } = graph;
    const bytesMoved = dispatchFacts.reduce((sum, d) => sum + d.bytes, 0);
    return { precision, dispatches: dispatchFacts.length, bytesMoved, nodes, variants, dispatchFacts };
  }

  call(inputs: readonly StepInput[]): R {
    refuseInside();
    const recording = this.recordingFor(inputs);
    const { graph, recorder, recorded } = recording;
    try {
      graph.bind();
    } catch (error) {
      this.drop(recording, error);
    }
    checkApart(recorded.feeds, inputs);
    recorder.checkSaved();
    const fed = recorded.feeds.map((each) => ({ placeholder: each.placeholder, given: feed(each, inputs) }));
    for (const storage of recording.issued) storage.overwrite();
    recording.issued = [];
    recorder.prepareReplay();
    graph.run();
    if (recorded.firstOnly) this.spend(recording);
    for (const { log, span, by } of recorded.writes) log.touch(span, by);
    for (const each of recorded.feeds) giveBack(each, inputs);
    // What the body gave, with other tensors.
    return handOutResults(recorded, { graph, fed, issued: recording.issued }) as R;
  }

  async prepare(inputs: readonly StepInput[]): Promise<void> {
    const recording = this.recordingFor(inputs);
    await recording.graph.prepare().catch((error) => this.drop(recording, error));
  }

  dispose(): void {
    this.recordings.clear();
    this.arena?.release();
    this.arena = undefined;
    this.latest = undefined;
  }

  /** One that does for these inputs what the function would, made where there is none. */
  recordingFor(inputs: readonly StepInput[]): StepRecording {
    const device = this.arena?.device ?? this.options.device ?? inputs.find((x) => x instanceof Tensor)?.device ?? defaultDevice();
    const specs = inputs.map((input, i) => inputSpec(input, { name: String(i), device }));
    const modes = JSON.stringify([specs, gradEnabled(), autocasting()]);
    // Inputs are copied in until the function is found to tell them from copies.
    for (const asTheyAre = new Map<number, AsItIs>(); ; ) {
      const key = asTheyAre.size === 0 ? modes : `${modes} ${keyOf(asTheyAre)}`;
      if (this.latest?.key !== key || !this.latest.recorder.holds) this.latest = this.recordings.find(key);
      if (!this.latest) {
        try {
          this.latest = this.record(key, { specs, asTheyAre, device });
        } catch (error) {
          const leaves = leavesIn(inputs).filter(([at]) => !asTheyAre.has(at));
          if (leaves.length === 0 || !(error instanceof OpError)) throw error;
          // Perhaps it asks for their gradients: with the tensors themselves it is refused for what it does.
          for (const [at, input] of leaves) asTheyAre.set(at, input);
          continue;
        }
        this.recordings.add(this.latest);
      }
      const told = toldFromCopies(this.latest.recorded, inputs);
      if (told.length === 0) return this.latest;
      for (const [at, input] of told) asTheyAre.set(at, input);
    }
  }

  private record(key: string, how: Pick<RecordOptions, 'specs' | 'asTheyAre' | 'device'>): StepRecording {
    this.arena ??= new Arena(how.device);
    return makeRecording(key, this.body, { ...how, again: this.madeState.has(key), options: this.options, arena: this.arena });
  }

  /** It cannot run here: its memory is of no use. */
  private drop(recording: StepRecording, why: unknown): never {
    this.recordings.drop(recording);
    if (this.latest === recording) this.latest = undefined;
    throw why;
  }

  /** It has served its only call: what was kept of it gets the bytes of results. */
  private spend({ key, recorder, graph, recorded: { kept } }: StepRecording): void {
    if (kept.size > 0 && this.madeState.has(key)) this.recordings.noteKeeping();
    this.madeState.add(key);
    recorder.spent = true;
    for (const [value, own] of graph.results) if (kept.has(value)) value.settle(own);
  }
}

function inputSpec(input: StepInput, { name, device }: { name: string; device: Device }): TensorSpec {
  if (input instanceof Tensor) {
    checkOperand('compile', input, { name, device });
    return { shape: input.shape, dtype: input.dtype, format: input.format };
  }
  if (typeof input === 'number') return rowMajor([]);
  if (!ArrayBuffer.isView(input) && !Array.isArray(input))
    throw new OpError('compile', `operand ${name} is ${input === null ? 'null' : typeof input}; give a tensor, a typed array or a number`);
  const dtype = input instanceof Int32Array ? 'i32' : input instanceof Uint32Array ? 'u32' : 'f32';
  return rowMajor([input.length], dtype);
}
