import type { Device } from '../gpu/device.js';
import type { HostSlot } from '../record/recorder.js';
import { Storage } from '../storage/storage.js';

/** Bindings begin at multiples of this. */
const alignment = 256;
/** Slots of the first buffer, and of the largest. */
const [fewest, most] = [4, 64];

interface Block {
  readonly storage: Storage;
  readonly bytes: Uint8Array<ArrayBuffer>;
  used: number;
}

/** The numbers that the host writes for the uses of one recorded step, side by side: one upload a call, as a rule. */
export class HostSlots {
  private readonly blocks: Block[] = [];

  /** Room for one use; the caller owns one reference of the storage. */
  take(device: Device, bytes: number, label: string): HostSlot {
    const size = Math.ceil(bytes / alignment) * alignment;
    const last = this.blocks.at(-1);
    const fits = last && last.storage.device === device && last.used + size <= last.bytes.length;
    const block = fits ? last : this.block(device, size);
    const offset = block.used;
    block.used += size;
    return {
      storage: block.storage.slice(offset, bytes, label),
      write: (data) => block.bytes.set(data, offset),
    };
  }

  /** Send what was written to the device. */
  upload(): void {
    for (const { storage, bytes, used } of this.blocks) storage.device.writeRegion(storage.place, bytes.subarray(0, used));
  }

  release(): void {
    for (const { storage } of this.blocks) storage.release();
    this.blocks.length = 0;
  }

  private block(device: Device, atLeast: number): Block {
    const size = Math.max(atLeast, alignment * Math.min(most, fewest * 4 ** this.blocks.length));
    const storage = Storage.allocate(device, size, 'numbers of a compiled step').dropQuietly();
    const made = { storage, bytes: new Uint8Array(size), used: 0 };
    this.blocks.push(made);
    return made;
  }
}
