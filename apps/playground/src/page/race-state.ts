import type { BuiltSide, Failure, FromWorker, Look, StepNumbers } from '../messages.js';
import { type SideName, sideNames } from '../settings.js';

/** What is known of a run. */
export interface RunState {
  readonly built: BuiltSide | undefined;
  /** By step, from the first. */
  readonly loss: readonly number[];
  /** Share of the batch's images. */
  readonly accuracy: readonly number[];
  readonly look: Look | undefined;
  /** Step at which the loss was no finite number any more. */
  readonly diverged: number | undefined;
}

/** What is known of the race. */
export interface RaceState {
  readonly race: number;
  readonly adapter: { readonly name: string; readonly software: boolean } | undefined;
  /** What is under way before the first step; empty for nothing. */
  readonly doing: string;
  readonly ready: boolean;
  readonly running: boolean;
  readonly step: number;
  readonly sides: Readonly<Record<SideName, RunState>>;
  readonly failure: Failure | undefined;
  /** The worker was ended, for the person's code hung. */
  readonly hung: boolean;
}

const noRun: RunState = { built: undefined, loss: [], accuracy: [], look: undefined, diverged: undefined };

export const noRace: RaceState = {
  race: 0,
  adapter: undefined,
  doing: '',
  ready: false,
  running: false,
  step: 0,
  sides: { a: noRun, b: noRun },
  failure: undefined,
  hung: false,
};

/** The state of a race that begins. */
export const newRace = (before: RaceState, race: number): RaceState => ({ ...noRace, adapter: before.adapter, race, doing: 'starting' });

/** The state after a message; one of an earlier race changes nothing. */
export function afterMessage(state: RaceState, message: FromWorker): RaceState {
  if (message.type === 'pong') return state;
  if (message.type === 'opened') return { ...state, adapter: { name: message.adapter, software: message.software } };
  if (message.race !== state.race) return state;
  switch (message.type) {
    case 'doing':
      return { ...state, doing: message.what, ready: state.ready || message.what === '' };
    case 'built':
      return { ...state, sides: eachSide((side) => ({ ...state.sides[side], built: message.sides[side] })) };
    case 'look':
      return { ...state, sides: { ...state.sides, [message.side]: { ...state.sides[message.side], look: message.look } } };
    case 'step':
      return {
        ...state,
        step: message.step,
        sides: eachSide((side) => afterStep(state.sides[side], message.sides[side], message.step)),
      };
    case 'failed':
      return { ...state, doing: '', ready: false, running: false, failure: message.failure };
  }
}

function afterStep(run: RunState, { loss, accuracy }: StepNumbers, step: number): RunState {
  const diverged = run.diverged ?? (Number.isFinite(loss) ? undefined : step);
  return { ...run, loss: [...run.loss, loss], accuracy: [...run.accuracy, accuracy], diverged };
}

const eachSide = <T>(make: (side: SideName) => T): Record<SideName, T> =>
  Object.fromEntries(sideNames.map((side) => [side, make(side)])) as Record<SideName, T>;

/** A mean over about ten steps, without the zeros that it begins with; null where there is no number. */
export function smoothed(values: readonly number[]): (number | null)[] {
  const share = 0.1;
  let sum = 0;
  let weight = 0;
  return values.map((value) => {
    if (!Number.isFinite(value)) return null;
    sum += share * (value - sum);
    weight += share * (1 - weight);
    return sum / weight;
  });
}
