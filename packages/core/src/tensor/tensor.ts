import type { DType, MemoryFormat } from '@initlab/kernels';
import { checkDevice, tensorMark } from '../checks/check-arguments.js';
import { checkValues } from '../checks/check-values.js';
import { DeviceError, OpError } from '../checks/errors.js';
import type { Device } from '../gpu/device.js';
import { currentRecorder, guard, setsMode } from '../record/recorder.js';
import { fromBytes, type Numbers, toBytes } from '../storage/host-data.js';
import { type Disposable, scopeForget, scopeTrack } from '../storage/scope.js';
import { bytesOf, formatsCoincide, sizeOf, type TensorSpec } from '../storage/spec.js';
import { Storage } from '../storage/storage.js';
import { GradHooks } from './grad-hooks.js';
import { LeafGrad } from './leaf-grad.js';
import { refuseMethods } from './method-names.js';
import { unusable } from './operand-checks.js';
import { noteWrite } from './writes.js';

const inspect = Symbol.for('nodejs.util.inspect.custom');

/** Link from a tensor to the tape node that made it. */
export interface GradLink {
  readonly node: { readonly id: number; readonly name: string; history(): Iterable<Disposable> };
  readonly output: string;
}
/** An operand or result as an op's forward saw it, kept for its gradient. */
export interface Saved {
  readonly op: string;
  readonly slot: string;
  /** See `writeTime`. */
  readonly at: number;
}
/** A recording runs once, and only ops are in it: what is read there would be of that moment, or of a placeholder. */
function refuseInside(what: string): void {
  if (currentRecorder())
    throw new OpError(
      what,
      'inside a compiled function no value is there to be read, and it would be read once, not at every call; return the tensor and read it outside',
    );
}
/** Called with a tensor's gradient when backward has it; may return another to go on with. */
export type GradHook = (grad: Tensor) => Tensor | undefined;

/**
 * A dense array on a device. Logical `shape` is PyTorch's (NCHW); 4-D activations lie `channelsLast` in memory.
 * Arithmetic methods (`add`, `relu`, `sum`, …) are declared beside the ops in `tensor-methods.ts`.
 */
export class Tensor {
  /** Tape history; absent for leaves. */
  link: GradLink | undefined;
  /** Internal: what `registerHook` added. */
  hooks: GradHooks<Tensor> | undefined;
  /** On the tape: what saved it, under which name, and when. */
  saved: Saved | undefined;
  /** What a module calls it; errors show it. */
  name: string | undefined;
  private gone = false;
  private leafGrad: LeafGrad<Tensor> | undefined;
  private wantsGrad: boolean;
  /** Internal: what stands for the methods until they are added. */
  static readonly refused: readonly string[] = refuseMethods(Tensor.prototype);
  private static readonly wantsGradOf = (x: Tensor): boolean => x.wantsGrad;

  /** Internal: takes over one reference of `storage`. Users make tensors with `tensor`, `zeros`, `uniform`, … */
  constructor(
    public storage: Storage,
    readonly spec: TensorSpec,
    requiresGrad = false,
  ) {
    this.wantsGrad = requiresGrad;
    this.belongToRecording();
  }

  /** Internal: see `isTensor`. */
  get [tensorMark](): true {
    return true;
  }

  /** Internal: what the function being recorded does to this tensor is its own doing, and ends with the call. */
  belongToRecording(): void {
    const now = currentRecorder();
    if (!now) return;
    guard(this);
    this.leafGrad = new LeafGrad(now);
  }

  /** Internal: a new tensor with undefined content; `virtual` while a step is being recorded. */
  static allocate(device: Device, spec: TensorSpec, label: string, virtual = false): Tensor {
    checkDevice(label, device);
    if (spec.dtype === 'f16' && !device.target.f16)
      throw new DeviceError(`${label}: ${device.caps.adapter} computes no f16 tensors (it lacks shader-f16); use f32`);
    const bytes = bytesOf(spec);
    if (virtual) return new Tensor(Storage.virtual(device, bytes, label), spec);
    const storage = Storage.allocate(device, bytes, label);
    currentRecorder()?.allocated(storage);
    return new Tensor(storage, spec);
  }

  /** Whether ops on this tensor go on the tape. Where it changed, a compiled step that uses the tensor is recorded anew. */
  get requiresGrad(): boolean {
    guard<Tensor>(this, Tensor.wantsGradOf);
    return this.wantsGrad;
  }
  set requiresGrad(wanted: boolean) {
    // Of a tensor that the recording made this is nobody else's business.
    const set = (): void => {
      this.wantsGrad = wanted;
    };
    if (currentRecorder() && this.leafGrad?.madeIn !== currentRecorder()) setsMode(this, set);
    set();
  }

  /** What `backward` gave, for leaves that want a gradient: the first is stored, later ones are added until it is set to undefined. */
  get grad(): Tensor | undefined {
    return this.gradient.value;
  }
  set grad(value: Tensor | undefined) {
    this.gradient.value = value;
  }
  /** Where `backward` writes the gradient when the tensor lies in a flat parameter buffer. */
  get gradSlot(): Tensor | undefined {
    return this.gradient.slot;
  }
  set gradSlot(slot: Tensor | undefined) {
    this.gradient.slot = slot;
  }
  /** Forget the gradient: the next `backward` stores (PyTorch's `x.grad = None`). One of the tensor's own is disposed of. */
  zeroGrad(): void {
    this.becomeGrad(undefined);
  }
  /** Internal: as `grad = value`, and one of the tensor's own that was there is disposed of. */
  becomeGrad(value: Tensor | undefined): void {
    this.gradient.become(value);
  }
  private get gradient(): LeafGrad<Tensor> {
    this.leafGrad ??= new LeafGrad();
    return this.leafGrad;
  }

  /** Sizes in PyTorch's order (NCHW for images), whatever the memory format; [] for a scalar. */
  get shape(): readonly number[] {
    return this.spec.shape;
  }
  /** Element type: f32, f16, i32 or u32; `to` converts. */
  get dtype(): DType {
    return this.spec.dtype;
  }
  /** Order of the bytes: `rowMajor`, or `channelsLast` (NHWC) for 4-D tensors that convolutions made; `toFormat` converts. */
  get format(): MemoryFormat {
    return this.spec.format;
  }
  /** Number of dimensions (PyTorch's `ndim`). */
  get ndim(): number {
    return this.spec.shape.length;
  }
  /** Number of elements (PyTorch's `numel()`). */
  get size(): number {
    return sizeOf(this.spec.shape);
  }
  /** The device that holds the bytes; ops take tensors of one device. */
  get device(): Device {
    return this.storage.device;
  }
  /** True once `dispose` was called or the tensor's scope has ended: ops and `read` then throw. */
  get disposed(): boolean {
    return this.gone || !this.storage.alive;
  }

  /** Elements in row-major order of the logical shape (PyTorch's order); f16 is widened to f32. */
  read(): Promise<Float32Array | Int32Array | Uint32Array> {
    // Thrown at once, since nobody waits for it there.
    refuseInside('read');
    return this.values();
  }
  private async values(): Promise<Float32Array | Int32Array | Uint32Array> {
    this.checkReadable('read');
    const region = this.storage.region;
    if (!region) throw new OpError('read', 'values of a compiled function do not exist outside it; return the tensor from it');
    return fromBytes(await this.device.readRegion(region, bytesOf(this.spec)), this.spec);
  }

  /** The single element. Throws when there are more. */
  item(): Promise<number> {
    refuseInside('item');
    return this.single();
  }
  private async single(): Promise<number> {
    if (this.size !== 1)
      throw new OpError('item', `the tensor has ${this.size} elements (shape [${this.shape.join(', ')}]); read() gives all`);
    return (await this.values())[0] as number;
  }

  /**
   * Overwrite the elements from the host, in row-major order. Same count as the tensor. No gradient. Inside a compiled function
   * only what the function makes can be set, to the same numbers at every call.
   */
  set(data: Numbers): this {
    this.checkReadable('set');
    checkValues('set', data, this.dtype);
    if (data.length !== this.size)
      throw new OpError('set', `got ${data.length} numbers for shape [${this.shape.join(', ')}] (${this.size})`);
    if (currentRecorder()?.set(this, data)) return this;
    const region = this.storage.region;
    if (!region) throw new OpError('set', 'not possible on a value of a function being compiled');
    this.device.writeRegion(region, toBytes(data, this.spec));
    noteWrite(this.storage, 'set');
    return this;
  }

  /** The same values without history; shares the bytes. */
  detach(): Tensor {
    this.checkReadable('detach');
    currentRecorder()?.reads(this);
    return scopeTrack(new Tensor(this.storage.retain(), this.spec));
  }

  /** Mark as a leaf that wants a gradient (or no longer does). Returns itself. */
  requiresGrad_(wanted = true): this {
    if (this.link && !wanted) throw new OpError('requiresGrad_', 'only leaves can be switched off; use detach()');
    if (wanted && this.dtype !== 'f32' && this.dtype !== 'f16')
      throw new OpError('requiresGrad_', `${this.dtype} tensors have no gradient`);
    this.requiresGrad = wanted;
    return this;
  }

  /** Call `hook` with this tensor's gradient during backward; what it returns replaces the gradient. Returns a remover. */
  registerHook(hook: GradHook): () => void {
    this.hooks ??= new GradHooks();
    return this.hooks.add(hook);
  }

  /** Internal: same bytes under the other format's name, where both put them in the same order. */
  reinterpretFormat(format: MemoryFormat): Tensor {
    if (!formatsCoincide(this.shape)) throw new Error('reinterpretFormat: the formats differ for this shape');
    currentRecorder()?.reads(this);
    const alias = new Tensor(this.storage.retain(), { ...this.spec, format }, this.requiresGrad);
    alias.link = this.link;
    alias.hooks = this.hooks;
    alias.saved = this.saved;
    alias.aliasOf = this.aliasOf ?? this;
    return scopeTrack(alias);
  }
  /** Internal: the leaf this handle stands for, so that its gradient lands there. */
  aliasOf: Tensor | undefined;

  /** Internal: goes on with these bytes; other handles of the former ones keep those. */
  moveTo(storage: Storage): void {
    this.storage.release();
    this.storage = storage;
    Tensor.moves++;
  }
  /** How often any tensor has moved, or one that a recording reads was disposed of: recordings look again where it changed. */
  static moves = 0;
  /** Internal: a recording reads it. */
  watched = false;

  /** Internal: the history that leaves a scope with it. */
  companions(): Iterable<Disposable> {
    return this.link?.node.history() ?? [];
  }

  /** Give the bytes back (when no other tensor shares them). Using the tensor afterwards is an error. */
  dispose(): void {
    if (this.gone) return;
    this.gone = true;
    if (this.watched) Tensor.moves++;
    scopeForget(this);
    this.storage.release();
  }
  /** For `using`: `dispose` at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  toString(): string {
    const notes = [this.format, this.device.label, ...(this.wantsGrad ? ['requiresGrad'] : []), ...(this.disposed ? ['disposed'] : [])];
    return `${this.constructor.name}(shape=[${this.shape.join(', ')}], ${this.dtype}, ${notes.join(', ')})`;
  }

  /** What `console.log` shows in Node, in place of the device's innards. Values are read asynchronously, so they are not there. */
  [inspect](): string {
    return this.toString();
  }
  /** For `JSON.stringify`: what the tensor is, without its values. */
  toJSON(): { shape: readonly number[]; dtype: DType; device: string } {
    return { shape: this.shape, dtype: this.dtype, device: this.device.label };
  }

  private checkReadable(what: string): void {
    const wrong = unusable(this);
    if (wrong) throw new OpError(what, `the tensor ${wrong}`);
    this.device.checkUsable(what);
  }
}
