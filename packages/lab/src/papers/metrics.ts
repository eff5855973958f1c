import type { EpochRecord } from '../train/make-run.js';
import type { ProbeRecord } from '../train/probe-record.js';

/** What is known of a run when it has ended: its epochs, and the one it diverged in. */
export interface Outcome {
  readonly epochs: readonly EpochRecord[];
  readonly divergedIn?: number;
  /** Where in that epoch, and which op made the first value that is not finite, in words. */
  readonly divergedAt?: { readonly step: number; readonly op: string };
  /** What was seen inside the net at some moments, the first and the last included; absent where nobody looked. */
  readonly probes?: readonly ProbeRecord[];
  /** Epochs it was to have. */
  readonly planned: number;
  /** What it was made on and with, as its result says: adapter, driver, version, commit. */
  readonly made?: Readonly<Record<string, string>>;
}

/** A number that a run is judged by. */
export interface MetricSpec {
  readonly label: string;
  /** Digits after the point. */
  readonly digits: number;
  readonly better: 'higher' | 'lower';
  /** The largest of many noisy values: biased upwards, so the last epoch's stands beside it. */
  readonly maximum?: boolean;
  /** NaN for a run that diverged, undefined where it has no such number. */
  of(outcome: Outcome): number | undefined;
}

const last = ({ epochs }: Outcome): EpochRecord | undefined => epochs.at(-1);
/** A diverged run has no accuracy and no loss. */
const unlessDiverged =
  (of: (outcome: Outcome) => number | undefined) =>
  (outcome: Outcome): number | undefined =>
    outcome.divergedIn === undefined ? of(outcome) : Number.NaN;

/** The epoch whose validation accuracy is the highest, the first of equals. */
function atBestValidation({ epochs }: Outcome): EpochRecord | undefined {
  let best: EpochRecord | undefined;
  for (const epoch of epochs)
    if (epoch.validationAccuracy !== null && (best === undefined || epoch.validationAccuracy > (best.validationAccuracy ?? 0)))
      best = epoch;
  return best;
}

/** Epochs that a run must reach to count as alive. */
const aliveEpochs = 3;

/** The metrics tables choose from. */
export const metrics = {
  bestTest: {
    label: 'best test accuracy %',
    digits: 2,
    better: 'higher',
    maximum: true,
    of: unlessDiverged(({ epochs }) => (epochs.length > 0 ? Math.max(...epochs.map((e) => e.testAccuracy)) : undefined)),
  },
  lastTest: { label: 'last test accuracy %', digits: 2, better: 'higher', of: unlessDiverged((o) => last(o)?.testAccuracy) },
  lastLoss: { label: 'last training loss', digits: 4, better: 'lower', of: unlessDiverged((o) => last(o)?.trainLoss) },
  firstTest: {
    label: 'test accuracy % after one epoch',
    digits: 2,
    better: 'higher',
    of: unlessDiverged((o) => o.epochs[0]?.testAccuracy),
  },
  firstLoss: { label: 'training loss of the first epoch', digits: 4, better: 'lower', of: unlessDiverged((o) => o.epochs[0]?.trainLoss) },
  validatedError: {
    label: 'test error % at the best validation epoch',
    digits: 2,
    better: 'lower',
    of: unlessDiverged((o) => {
      const epoch = atBestValidation(o);
      return epoch && 100 - epoch.testAccuracy;
    }),
  },
  validatedTest: {
    label: 'test accuracy % at the best validation epoch',
    digits: 2,
    better: 'higher',
    // In the robustness figures a run that diverged counts as one that learned nothing.
    of: (o) => (o.divergedIn === undefined ? atBestValidation(o)?.testAccuracy : 0),
  },
  alive: {
    label: `runs alive after ${aliveEpochs} epochs %`,
    digits: 0,
    better: 'higher',
    of: ({ epochs, divergedIn, planned }) =>
      divergedIn !== undefined && divergedIn <= aliveEpochs ? 0 : epochs.length >= Math.min(aliveEpochs, planned) ? 100 : undefined,
  },
} as const satisfies Record<string, MetricSpec>;

/** Name of a metric. */
export type MetricName = keyof typeof metrics;
