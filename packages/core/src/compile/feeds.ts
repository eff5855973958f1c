import { OpError } from '../checks/errors.js';
import { toBytes } from '../storage/host-data.js';
import { bytesOf, sameShape } from '../storage/spec.js';
import { Tensor } from '../tensor/tensor.js';
import { noteWrite } from '../tensor/writes.js';
import { overlaps } from './sharing.js';

/** What a compiled step takes: a tensor, a vector of numbers, or one number (a scalar f32 tensor inside). */
export type StepInput = Tensor | Float32Array | Int32Array | Uint32Array | number;

/** A value that is copied in before every call. */
export interface Feed {
  /** What the function saw in its place. */
  readonly placeholder: Tensor;
  /** Which input it is; absent for others. */
  readonly at?: number;
  /** As errors call it: `input 0`. */
  readonly name: string;
  /** What is copied, in a call with these inputs. */
  readonly from: (inputs: readonly StepInput[]) => StepInput | undefined;
  /** The function writes to it, which the caller's tensor is to show. */
  readonly written: boolean;
}

/** The value as it is now goes to where the step reads it. Returns it. */
export function feed({ placeholder, from, name }: Feed, inputs: readonly StepInput[]): StepInput {
  const to = placeholder.storage.region;
  if (!to) throw new OpError('compile', 'the step was disposed');
  const { device } = placeholder;
  const value = from(inputs);
  if (!(value instanceof Tensor)) {
    if (value === undefined) throw new OpError('compile', `${name} has no value here`);
    device.writeRegion(to, toBytes(typeof value === 'number' ? [value] : value, placeholder.spec));
    return value;
  }
  const region = value.storage.region;
  if (!region || !sameShape(value.shape, placeholder.shape)) throw new OpError('compile', `${name} has no value here`);
  device.commands.copy(region, to, bytesOf(placeholder.spec));
  return value;
}

/** What the function writes to and anything else that is fed must not share bytes: each is copied in, and would not see it. */
export function checkApart(feeds: readonly Feed[], inputs: readonly StepInput[]): void {
  if (feeds.length < 2) return;
  for (const one of feeds) {
    const written = one.written ? one.from(inputs) : undefined;
    if (!(written instanceof Tensor)) continue;
    for (const other of feeds) {
      const read = other === one ? undefined : other.from(inputs);
      if (read instanceof Tensor && overlaps(read.storage, written.storage))
        throw new OpError('compile', `the function writes to ${one.name}, which shares its bytes with ${other.name}; pass a copy`);
    }
  }
}

/** What the function did to a value that was copied in it did to the caller's tensor. */
export function giveBack({ placeholder, from, written }: Feed, inputs: readonly StepInput[]): void {
  const value = written ? from(inputs) : undefined;
  if (!(value instanceof Tensor)) return;
  const [source, to] = [placeholder.storage.region, value.storage.region];
  if (!source || !to) return;
  value.device.commands.copy(source, to, bytesOf(placeholder.spec));
  noteWrite(value.storage, 'a compiled step');
}
