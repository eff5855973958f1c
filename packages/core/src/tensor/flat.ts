import { checkOptions } from '../checks/check-arguments.js';
import { OpError, showShape, showValue } from '../checks/errors.js';
import { currentRecorder } from '../record/recorder.js';
import { AllOrNothing, scopeTrack } from '../storage/scope.js';
import { bytesOf, rowMajor, sizeOf } from '../storage/spec.js';
import type { Storage } from '../storage/storage.js';
import { checkTensor } from './check-tensor.js';
import { Tensor } from './tensor.js';

/** Binding offsets are multiples of this on every adapter. */
const alignment = 256;

/**
 * Parameters side by side in one buffer, and their gradients in another laid out alike, so that one dispatch updates
 * all of them and one copy saves them. Gaps between parameters hold zeros and stay zero under every optimiser.
 */
export class FlatParameters {
  /** All parameters as one vector, gaps included. */
  readonly values: Tensor;
  /** All gradients, in the same order. */
  readonly gradients: Tensor;
  /** Element offset of each parameter. */
  readonly offsets: readonly number[];

  private readonly homes: readonly { readonly value: Storage; readonly gradient: Storage }[];

  /**
   * Moves the parameters into the flat buffer: each keeps its shape and identity. f32, one device. With `later` they stay where they
   * are until `move()`.
   */
  constructor(
    readonly parameters: readonly Tensor[],
    options: { later?: boolean } = {},
  ) {
    checkOptions('FlatParameters', options, ['later']);
    const { later = false } = options;
    if (!Array.isArray(parameters)) throw new OpError('FlatParameters', `takes a list of parameters, got ${showValue(parameters)}`);
    const first = parameters[0];
    if (!first) throw new OpError('FlatParameters', 'got no parameters');
    if (currentRecorder())
      throw new OpError('FlatParameters', 'moves parameters, which a compiled function cannot do; make the optimiser before it');
    for (const [i, p] of parameters.entries()) {
      checkTensor('FlatParameters', p, `parameter ${i}`);
      const refuse = (why: string): never => {
        throw new OpError('FlatParameters', `parameter ${i} ${showShape(p.shape)} ${why}`);
      };
      if (p.disposed) refuse('was disposed');
      if (p.link) refuse('is what an op made; give leaves, such as model.parameters()');
      if (p.dtype !== 'f32') refuse(`is ${p.dtype}; parameters are f32 (mixed precision keeps f32 masters)`);
      if (p.device !== first.device) refuse('lives on another device than the first; make an optimiser for each device');
      if (p.gradSlot) refuse('already belongs to another optimiser; dispose() that one first');
      if (!p.storage.region) refuse('is made inside a compiled function; make the optimiser before');
    }
    using whole = new AllOrNothing();
    const offsets: number[] = [];
    let bytes = 0;
    for (const p of parameters) {
      offsets.push(bytes / 4);
      bytes = Math.ceil((bytes + bytesOf(p.spec)) / alignment) * alignment;
    }
    this.offsets = offsets;
    this.values = this.vector(bytes / 4, 'parameters');
    this.gradients = this.vector(bytes / 4, 'gradients');
    this.homes = parameters.map((p, i) => {
      const [at, bytes] = [(offsets[i] as number) * 4, bytesOf(p.spec)];
      return {
        value: this.values.storage.slice(at, bytes, 'parameter'),
        gradient: this.gradients.storage.slice(at, bytes, 'gradient'),
      };
    });
    if (!later) this.move();
    whole.done();
  }

  /** Puts the parameters into the flat buffer, where the constructor left that for later. */
  move(): void {
    for (const [i, { value, gradient }] of this.homes.entries()) {
      const p = this.parameters[i] as Tensor;
      p.device.commands.copy(p.storage.place, value.place, sizeOf(p.shape) * 4);
      p.moveTo(value);
      p.gradSlot = new Tensor(gradient, p.spec);
    }
  }

  /** For `JSON.stringify`: its size, without values. */
  toJSON(): { parameters: number; size: number } {
    return { parameters: this.parameters.length, size: this.values.size };
  }

  /** A zeroed vector laid out as the parameters, for optimiser moments. */
  moments(label: string): Tensor {
    return this.vector(this.values.size, label);
  }

  /**
   * The stretch of a vector laid out as the parameters that belongs to those from index `from` up to `to`, sharing its bytes;
   * the vector itself where that is all of it.
   */
  part(vector: Tensor, { from, to }: { from: number; to: number }): Tensor {
    const start = this.offsets[from] ?? vector.size;
    const size = (this.offsets[to] ?? vector.size) - start;
    if (size === vector.size) return vector;
    return scopeTrack(new Tensor(vector.storage.slice(start * 4, size * 4, vector.storage.label), { ...vector.spec, shape: [size] }));
  }

  /** The place of the parameter of this index in a vector laid out as the parameters, in its shape, sharing the vector's bytes. */
  slot(vector: Tensor, index: number): Tensor {
    const [p, start] = [this.parameters[index], this.offsets[index]];
    if (!p || start === undefined) throw new OpError('FlatParameters', `has no parameter ${index}; it has ${this.parameters.length}`);
    return scopeTrack(new Tensor(vector.storage.slice(start * 4, bytesOf(p.spec), vector.storage.label), p.spec));
  }

  /**
   * Let the vectors go: parameters keep their values and the gradients they have, and another optimiser may take them. Their
   * buffers are freed with the last of them.
   */
  dispose(): void {
    this.values.dispose();
    this.gradients.dispose();
    for (const p of this.parameters) {
      if (p.grad !== p.gradSlot) p.gradSlot?.dispose();
      p.gradSlot = undefined;
    }
  }

  private vector(count: number, label: string): Tensor {
    const device = (this.parameters[0] as Tensor).device;
    const made = Tensor.allocate(device, rowMajor([count]), label);
    return made.set(new Float32Array(count));
  }
}
