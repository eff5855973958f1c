import type { Device } from '@initlab/core';
import { batchesOf, epochOrder, type ImageDataset } from '@initlab/data';
import type { FromWorker } from '../messages.js';
import { type OwnCode, type Settings, type SideName, sideNames } from '../settings.js';
import { chosenFor } from './chosen.js';
import { Run } from './run.js';

/** Looks at the first steps, where most happens, and then at every tenth. */
const lookDue = (step: number): boolean => step % 10 === 0 || step === 1 || step === 2 || step === 5;

/** Another race was asked for while this one was being made. */
export class Superseded extends Error {}

/** A run could not be made, or failed. */
export class SideError extends Error {
  constructor(
    readonly side: SideName,
    cause: unknown,
  ) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

export interface RaceParts {
  readonly race: number;
  readonly settings: Settings;
  /** JavaScript of the person's own code. */
  readonly ownJs: OwnCode;
  readonly device: Device;
  readonly dataset: ImageDataset;
  readonly tell: (message: FromWorker) => void;
  /** Whether this race is still asked for. */
  readonly wanted: () => boolean;
}

/** Two runs that see the same batches, step by step. */
export class Race {
  private steps = 0;
  private batches: Iterator<Int32Array> | undefined;
  private epoch = 0;

  private constructor(
    private readonly parts: RaceParts,
    private readonly runs: Readonly<Record<SideName, Run>>,
  ) {}

  /** Makes both nets, tells of their weights and of what is inside before the first step. */
  static async create(parts: RaceParts): Promise<Race> {
    const { race, settings, ownJs, device, dataset, wanted, tell } = parts;
    const doing = (what: string): void => {
      if (!wanted()) throw new Superseded();
      tell({ type: 'doing', race, what });
    };
    const runs: Partial<Record<SideName, Run>> = {};
    try {
      for (const side of sideNames) {
        doing(`making net ${side.toUpperCase()}`);
        runs[side] = await onSide(side, async () => {
          const own = settings[side];
          return Run.create({ ...settings, device, dataset, settings: own, ...(await chosenFor(own, ownJs)) });
        });
      }
      const both = runs as Record<SideName, Run>;
      const built = { a: await both.a.built(), b: await both.b.built() };
      tell({ type: 'built', race, sides: built });
      const made = new Race(parts, both);
      const first = made.firstBatch();
      for (const side of sideNames) {
        doing(`compiling kernels of ${side.toUpperCase()}`);
        await onSide(side, () => both[side].prepare(first));
      }
      doing('looking inside');
      await made.look(first);
      return made;
    } catch (error) {
      for (const run of Object.values(runs)) run.dispose();
      throw error;
    }
  }

  /** One step of both. */
  async step(): Promise<void> {
    const { race, tell } = this.parts;
    const batch = this.nextBatch();
    if (this.steps > 0 && lookDue(this.steps)) await this.look(batch);
    const both = sideNames.map((side) => onSide(side, () => this.runs[side].step(batch)));
    const [a, b] = await Promise.all(both);
    this.steps++;
    tell({ type: 'step', race, step: this.steps, sides: { a: a!, b: b! } });
  }

  dispose(): void {
    for (const side of sideNames) this.runs[side].dispose();
  }

  private async look(batch: Int32Array): Promise<void> {
    const { race, tell } = this.parts;
    const looks = sideNames.map(async (side) => {
      const look = await onSide(side, () => this.runs[side].look(batch, this.steps));
      tell({ type: 'look', race, side, look });
    });
    await Promise.all(looks);
  }

  /** The first batch, which the look before the first step sees too. */
  private firstBatch(): Int32Array {
    const { dataset, settings } = this.parts;
    const order = epochOrder(dataset.train.count, { seed: settings.seed, epoch: 1 });
    return order.subarray(0, settings.batchSize);
  }

  /** Batches in the order in which `initlab train` takes them; an odd last one is left out, which would be compiled by itself. */
  private nextBatch(): Int32Array {
    const { dataset, settings } = this.parts;
    for (;;) {
      const next = this.batches?.next();
      if (next && !next.done) return next.value;
      this.epoch++;
      const order = epochOrder(dataset.train.count, { seed: settings.seed, epoch: this.epoch });
      this.batches = batchesOf(order, { batchSize: settings.batchSize, dropLast: true });
    }
  }
}

/** Says of an error on which side it was. */
async function onSide<T>(side: SideName, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (cause) {
    throw new SideError(side, cause);
  }
}
