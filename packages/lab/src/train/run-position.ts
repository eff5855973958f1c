import { type MetricsRecord, RunError, type RunFolder, readCheckpoint, readStart, runFiles } from '../run/index.js';
import type { Training } from './training.js';

const keys = { epoch: 'initlab.epoch', step: 'initlab.stepOfEpoch' };

/** Where a training stands: an epoch, from 1, and how many of its steps were made. */
export interface Position {
  readonly epoch: number;
  readonly step: number;
}

/** For a checkpoint's metadata. */
export const positionMetadata = ({ epoch, step }: Position): Record<string, string> => ({
  [keys.epoch]: String(epoch),
  [keys.step]: String(step),
});

/** Where a run's checkpoint stands, as a text to compare with: empty where there is none that can be read. */
export async function standOf(folder: string): Promise<string> {
  try {
    const checkpoint = await readCheckpoint(folder, await readStart(folder));
    return checkpoint ? `${checkpoint.metadata[keys.epoch]}:${checkpoint.metadata[keys.step]}` : '';
  } catch {
    return '';
  }
}

interface Counts {
  /** With the checkpoint's state put back. */
  readonly training: Training;
  readonly stepsPerEpoch: number;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Where a checkpoint says that its training stands. Throws RunError where that is not what the log, the optimiser and the
 * augmentation counted: then it is not of one moment, whoever sealed it.
 */
export function positionOf(run: RunFolder, { training, stepsPerEpoch, metadata }: Counts): Position {
  const refuse = (what: string): RunError =>
    new RunError(`${run.folder}/${runFiles.checkpoint}`, `${what}; it is not of one moment of this run. Restore it, or start a new run.`);
  const position = { epoch: Number(metadata[keys.epoch]), step: Number(metadata[keys.step]) };
  const { epoch, step } = position;
  if (!Number.isInteger(epoch) || epoch < 1 || !Number.isInteger(step) || step < 0 || step > stepsPerEpoch)
    throw refuse(`stands at epoch ${metadata[keys.epoch]}, step ${metadata[keys.step]} of ${stepsPerEpoch}`);
  const records = run.metrics();
  checkEpochs(run, records);
  if (records.length !== epoch - 1) throw refuse(`stands in epoch ${epoch}, but ${records.length} epochs were logged before it`);
  const steps = records.reduce((sum, record) => sum + Number(record.steps), step);
  if (training.optimizer.steps !== steps)
    throw refuse(`stands after ${steps} steps, of which its optimiser made ${training.optimizer.steps}`);
  const batches = training.train.random ? steps : 0;
  if (training.train.step !== batches)
    throw refuse(`stands after ${steps} steps, for which ${training.train.step} random batches were made, not ${batches}`);
  return position;
}

function checkEpochs(run: RunFolder, records: readonly MetricsRecord[]): void {
  const wrong = records.findIndex(({ epoch, steps }, i) => epoch !== i + 1 || !Number.isInteger(steps) || Number(steps) < 0);
  if (wrong >= 0)
    throw new RunError(
      `${run.folder}/${runFiles.metrics}`,
      `line ${wrong + 1} is of epoch ${String(records[wrong]?.epoch)} with ${String(records[wrong]?.steps)} steps; it is not this run's.`,
    );
}
