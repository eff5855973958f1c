import { OpError, showShape } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import type { Device } from '../gpu/device.js';
import type { GraphNode } from '../op/graph-node.js';
import { copyInto } from '../ops/pointwise/assign.js';
import { type GradPlace, type HeldGrad, type HostSlot, type ModeReader, type Recorder, recordingsMadeAfter } from '../record/recorder.js';
import type { GraphValue, Storage } from '../storage/storage.js';
import { nextTime, WriteLog } from '../storage/write-log.js';
import { tensor } from '../tensor/create.js';
import { Tensor } from '../tensor/tensor.js';
import { HostSlots } from './host-slots.js';
import { LeafGrads, type LeftGrad, type ReadGrad } from './leaf-grads.js';
import type { MadeConstant } from './made-constants.js';

/** A mode of the host that a recorded step took as it was: see `guard`. */
interface Guard {
  readonly owner: object;
  readonly read: ModeReader;
  readonly value: unknown;
}

/** Records ops in order. Real storages it meets (parameters, state, constants) are kept alive until `release`. */
export class GraphRecorder implements Recorder {
  readonly nodes: GraphNode[] = [];
  readonly constants: MadeConstant[] = [];
  /** Memory that the function took and set: parameters and state of modules that it makes. */
  readonly lasting: MadeConstant[] = [];
  /** Did it make state of the host? */
  makesState = false;
  /** It served the one call that it was made for. */
  spent = false;
  private readonly taken = new Set<Storage>();
  private readonly writes = new Map<Storage, WriteLog>();
  private readonly start = nextTime();
  private readonly savedBefore: (() => void)[] = [];
  private readonly replayHooks: (() => void)[] = [];
  private readonly hostSlots = new HostSlots();
  private readonly endHooks: (() => void)[] = [];
  private readonly externals = new Set<Storage>();
  private readonly guardOf = new Map<object, Guard | undefined>();
  private guards: readonly Guard[] = [];
  private readonly grads = new LeafGrads();
  /** Where the tensors from outside lay. */
  private readonly places = new Map<Tensor, Storage>();
  private moves = Tensor.moves;
  private readonly madeAfter = recordingsMadeAfter();
  /** Results of other compiled functions that it reads: gone when those are called again. */
  private readonly issued = new Set<Storage>();
  private handed: readonly Storage[] = [];
  /** Did the function ask for gradients? */
  findsGradients = false;
  /** Gradients of leaves that the function reads, and that it leaves. */
  readGrads: readonly ReadGrad[] = [];
  leftGrads: readonly LeftGrad[] = [];

  add(node: GraphNode): void {
    this.nodes.push(node);
    for (const value of node.reads) this.hold(value.storage);
  }

  allocated(storage: Storage): void {
    this.taken.add(storage);
  }

  constant({ storage, spec }: GraphValue, word: number | undefined): void {
    this.constants.push({ storage, spec, word, at: this.nodes.length });
  }

  set({ storage, spec }: GraphValue, data: ArrayLike<number>): boolean {
    if (storage.virtual || this.constants.some((made) => made.storage === storage)) {
      const { shape, dtype, format } = spec;
      const x = new Tensor(storage.retain(), spec);
      copyInto(x, tensor(data, { shape, dtype, format, device: storage.device }));
      x.dispose();
      return true;
    }
    if (this.taken.has(storage)) {
      // A parameter that is made inside, which has a handle of its own: its first content.
      this.lasting.push({ storage, spec, word: undefined, at: this.nodes.length });
      return false;
    }
    throw new OpError(
      'set',
      `a tensor ${showShape(spec.shape)} from outside a compiled function would be set once, when the function is recorded, and not at ` +
        'every call; set it before the call, or write copyInto(x, tensor(values)), with the numbers as an input where they change',
    );
  }

  writesOf(whole: Storage): WriteLog {
    return getOrMake(this.writes, whole, () => new WriteLog());
  }

  readsSaved(at: number, check: () => void): void {
    // What was saved inside is computed anew at every call.
    if (at < this.start) this.savedBefore.push(check);
  }

  madeInside(begin: () => void): void {
    this.makesState = true;
    this.beforeReplay(begin);
  }

  beforeReplay(hook: () => void): void {
    this.replayHooks.push(hook);
  }

  hostSlot(device: Device, bytes: number, label: string): HostSlot {
    return this.hostSlots.take(device, bytes, label);
  }

  /** Throws where what the step reads of an earlier forward has changed. */
  checkSaved(): void {
    for (const check of this.savedBefore) check();
  }

  /** What the host does before every replay, in the order of recording. */
  prepareReplay(): void {
    for (const hook of this.replayHooks) hook();
    this.hostSlots.upload();
  }

  afterRecording(hook: () => void): void {
    this.endHooks.push(hook);
  }

  readsGrad<T extends HeldGrad>(leaf: GradPlace<T>, kept: T): T {
    return this.grads.read(leaf, kept);
  }

  changesGrad<T extends HeldGrad>(leaf: GradPlace<T>, ends: boolean): T | undefined {
    return this.grads.change(leaf, ends);
  }

  reads(x: Tensor): void {
    if (x.storage.virtual) return;
    x.watched = true;
    this.places.set(x, x.storage);
    if (x.storage.result) this.issued.add(x.storage);
  }

  /** What the function keeps of these has another handle after every call: where the one of this recording is gone, it is recorded anew. */
  hands(storages: readonly Storage[]): void {
    this.handed = storages;
  }

  differentiates(): void {
    this.findsGradients = true;
  }

  guard(owner: object, read: ModeReader | undefined): void {
    if (!this.guardOf.has(owner)) this.guardOf.set(owner, read && { owner, read, value: read(owner) });
  }

  /** Is every mode that the host code read while recording still what it was, and every tensor there and where it was? */
  get holds(): boolean {
    for (const { result } of this.issued) if (result === 'overwritten') this.spent = true;
    if (this.madeAfter !== recordingsMadeAfter()) this.spent = true;
    if (this.spent) return false;
    if (this.moves !== Tensor.moves) {
      if ([...this.places].some(([x, storage]) => x.storage !== storage || x.disposed)) return false;
      this.moves = Tensor.moves;
    }
    if (!this.handed.every((storage) => storage.shared)) return false;
    return this.guards.every(({ owner, read, value }) => Object.is(read(owner), value));
  }

  /** Keep a real storage alive as long as the graph. */
  hold(storage: Storage): void {
    if (!storage.virtual && !this.externals.has(storage)) this.externals.add(storage.retain());
  }

  /** Let a storage go that the graph no longer needs. */
  drop(storage: Storage): void {
    if (this.externals.delete(storage)) storage.release();
  }

  /** Take over a reference to a storage that the graph reads. */
  own(storage: Storage): void {
    this.externals.add(storage);
  }

  /** The host's state is again what it was before. */
  finish(): void {
    const { read, left } = this.grads.finish();
    this.readGrads = read;
    this.leftGrads = left;
    for (const { placeholder } of read) {
      this.hold(placeholder.storage);
      placeholder.dispose();
    }
    for (const { value } of left) if (value?.storage.alive) this.hold(value.storage);
    for (const hook of this.endHooks.splice(0).reverse()) hook();
    this.taken.clear();
    this.guards = [...this.guardOf.values()].filter((g) => g !== undefined);
    this.guardOf.clear();
  }

  /** The function's scope has ended, and the handles with it that were of no use outside. */
  scopeEnded(): void {
    for (const x of this.places.keys()) if (x.disposed) this.places.delete(x);
    this.moves = Tensor.moves;
  }

  release(): void {
    for (const storage of this.externals) storage.release();
    this.externals.clear();
    this.places.clear();
    this.hostSlots.release();
  }
}
