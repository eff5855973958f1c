import { createHash } from 'node:crypto';
import type { Device } from '@initlab/core';
import { RunError, type RunFolder } from '../run/index.js';
import { decodeTraining, encodeTraining } from './checkpoint.js';
import { type Position, positionMetadata, positionOf } from './run-position.js';
import type { Training } from './training.js';

/** A half-done run was made with kernels that add in another order: it cannot go on with the same bits here. */
export class OtherKernelsError extends RunError {
  override name = 'OtherKernelsError';
}

const keys = { kernels: 'initlab.kernels', adapter: 'initlab.adapter' };

/** A checkpoint kept in memory: where to start from when a loss has to be explained. */
interface Snapshot extends Position {
  readonly bytes: Uint8Array;
}

interface CheckpointsOptions {
  readonly training: Training;
  readonly device: Device;
  readonly run: RunFolder;
  readonly stepsPerEpoch: number;
}

/** What every checkpoint holds, and what it was made with. */
interface Saves {
  readonly state: Parameters<typeof encodeTraining>[0];
  readonly kernels: string;
  readonly adapter: string;
}

/** What a run can go on from: its latest checkpoint, on the disk and in memory. */
export class Checkpoints {
  private saved = performance.now();

  private constructor(
    private readonly run: RunFolder,
    private readonly saves: Saves,
    private snapshot: Snapshot,
  ) {}

  /** Puts the training where the run's checkpoint stands; throws OtherKernelsError where it cannot go on with the same bits here. */
  static async open({ training, device, run, stepsPerEpoch }: CheckpointsOptions): Promise<Checkpoints> {
    const state = { ...training, extra: training.trainer.state };
    const variants = JSON.stringify(await training.trainer.variants());
    const saves = { state, kernels: createHash('sha256').update(variants).digest('hex'), adapter: device.caps.adapter };
    if (!run.checkpoint) {
      const start = { epoch: 1, step: 0 };
      return new Checkpoints(run, saves, { bytes: await encoded(saves, start, {}), ...start });
    }
    const { bytes } = run.checkpoint;
    const metadata = decodeTraining(bytes, state);
    if (metadata[keys.kernels] !== saves.kernels)
      throw new OtherKernelsError(
        run.folder,
        `was made on ${metadata[keys.adapter]} with other kernels than ${saves.adapter} takes here, which add in another order: it cannot go on with the same bits. Resume it there, or start a new run.`,
      );
    return new Checkpoints(run, saves, { bytes, ...positionOf(run, { training, stepsPerEpoch, metadata }) });
  }

  /** Where the latest one stands. */
  get position(): Position {
    return this.snapshot;
  }

  /** Seconds since one was written. */
  get age(): number {
    return (performance.now() - this.saved) / 1e3;
  }

  async save(at: Position): Promise<void> {
    await this.run.saveCheckpoint(async (metadata) => {
      const bytes = await encoded(this.saves, at, metadata);
      this.snapshot = { ...at, bytes };
      return bytes;
    });
    this.saved = performance.now();
  }

  /** Puts the training back to the latest one. */
  restore(): void {
    decodeTraining(this.snapshot.bytes, this.saves.state);
  }
}

const encoded = ({ state, kernels, adapter }: Saves, at: Position, metadata: Readonly<Record<string, string>>): Promise<Uint8Array> =>
  encodeTraining(state, { ...metadata, ...positionMetadata(at), [keys.kernels]: kernels, [keys.adapter]: adapter });
