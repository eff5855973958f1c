import { philox4x32 } from '@initlab/kernels';
import { checkBody, checkNumber, checkOptions } from '../checks/check-arguments.js';
import { OpError, showValue } from '../checks/errors.js';
import { aboutToMove, type MovingState } from '../record/host-untouched.js';
import { ModeStack } from '../record/mode-stack.js';
import { currentRecorder, guard, madeInside, type Recorder } from '../record/recorder.js';

/** Where a generator stands: enough to go on bit for bit. */
export interface GeneratorState {
  readonly seed: number;
  readonly stream: number;
  /** Words drawn so far. */
  readonly offset: number;
}

/** A generator in a recording. */
interface Recorded {
  /** Seed and place before it. */
  readonly key: number;
  readonly offset: number;
  /** Words that the host has drawn one after the other. */
  run: { words: number } | undefined;
}

/**
 * Random numbers by Philox4x32-10 of (seed, stream, counter): the same on every machine and adapter, whatever ran
 * before. Numbers are drawn on the CPU in float64; kernels draw theirs by index from the same function.
 */
export class Generator implements MovingState {
  private key: number;
  readonly stream: number;
  private offset: number;
  private block: readonly number[] = [];
  /** While a step is being recorded that draws from it. */
  private recorded: Recorded | undefined;
  /** What the recording is told that reads the seed. */
  private readonly keyOf = { generator: this as Generator };
  private static readonly outsideSeed = ({ generator }: Generator['keyOf']): number =>
    generator.recorded ? generator.recorded.key : generator.key;
  private static readonly outside = (generator: Generator): string => {
    const { recorded } = generator;
    return recorded ? `${recorded.key} ${recorded.offset}` : `${generator.key} ${generator.offset}`;
  };

  /** `seed` is a whole number from 0 to 2⁵³ − 1; `stream` separates independent sequences of one seed. */
  constructor(seed = 0, options: { stream?: number; offset?: number } = {}) {
    checkOptions('Generator', options, ['stream', 'offset']);
    const { stream = 0, offset = 0 } = options;
    checkWhole({ seed, offset });
    checkNumber('Generator', { stream }, { from: 0, to: 2 ** 32 - 1, whole: true });
    this.key = seed;
    this.stream = stream;
    this.offset = offset;
    // One that a recorded function makes begins anew at every call.
    madeInside(this, () => this.goTo(seed, offset));
    guard(this.keyOf);
  }

  /** What its numbers follow from, with `stream` and their place. */
  get seed(): number {
    guard(this.keyOf, Generator.outsideSeed);
    return this.key;
  }

  /** A generator that goes on from `state`. */
  static from(state: GeneratorState): Generator {
    const { seed, stream, offset } = state;
    return new Generator(seed, { stream, offset });
  }

  /** Where it stands; `Generator.from` goes on from there. */
  get state(): GeneratorState {
    guard<Generator>(this, Generator.outside);
    return { seed: this.key, stream: this.stream, offset: this.offset };
  }

  /** For `JSON.stringify`: its state. */
  toJSON(): GeneratorState {
    return this.state;
  }

  /** An independent sequence of the same seed. */
  fork(stream: number): Generator {
    return new Generator(this.seed, { stream });
  }

  /** Begins anew with another seed. */
  reseed(seed: number): void {
    checkWhole({ seed });
    const recorder = currentRecorder();
    if (recorder) {
      // What the function draws later is its own doing.
      guard(this);
      guard(this.keyOf);
      this.note(recorder).run = undefined;
      recorder.beforeReplay(() => this.goTo(seed, 0));
    }
    this.goTo(seed, 0);
  }

  /** A whole number in [0, 2³²). In a compiled function this is a number of the host: the function is recorded anew for each. */
  uint32(): number {
    aboutToMove(this);
    const recorder = currentRecorder();
    if (recorder) this.noteWord(recorder);
    const lane = this.offset % 4;
    if (lane === 0 || this.block.length === 0) {
      const counter = Math.floor(this.offset / 4);
      const key = [this.key >>> 0, Math.floor(this.key / 2 ** 32)] as const;
      this.block = philox4x32([counter >>> 0, Math.floor(counter / 2 ** 32), this.stream, 0], key);
    }
    this.offset++;
    return this.block[lane] as number;
  }

  /**
   * Leave `blocks` blocks of four words to a kernel, from the next whole one on. Returns what it counts by: seed low and high,
   * first block low and high, stream.
   */
  takeBlocks(blocks: number): [number, number, number, number, number] {
    aboutToMove(this);
    return this.advance(blocks);
  }

  private advance(blocks: number): [number, number, number, number, number] {
    const first = Math.ceil(this.offset / 4);
    this.goTo(this.key, (first + blocks) * 4);
    return [this.key >>> 0, Math.floor(this.key / 2 ** 32), first >>> 0, Math.floor(first / 2 ** 32), this.stream];
  }

  /** While a step is being recorded: its kernels will take blocks here at every call, and what comes later is drawn after them. */
  passBlocks(blocks: number): void {
    const recorder = currentRecorder();
    if (!recorder) return;
    this.note(recorder).run = undefined;
    this.advance(blocks);
  }

  /** Answers how to put it back to where it stands now. */
  mark(): () => void {
    const { key, offset } = this;
    if (this.recorded) this.recorded.run = undefined;
    return () => {
      if (this.recorded) this.recorded.run = undefined;
      this.goTo(key, offset);
    };
  }

  private goTo(seed: number, offset: number): void {
    this.key = seed;
    this.offset = offset;
    this.block = [];
  }

  /** What it was before the recording, which leaves it so. */
  private note(recorder: Recorder): Recorded {
    if (this.recorded) return this.recorded;
    const { key, offset } = this;
    recorder.afterRecording(() => {
      this.recorded = undefined;
      this.goTo(key, offset);
    });
    this.recorded = { key, offset, run: undefined };
    return this.recorded;
  }

  /** The host draws a word while a step is being recorded: it passes again at every call, and the recording serves this one only. */
  private noteWord(recorder: Recorder): void {
    guard<Generator>(this, Generator.outside);
    const recorded = this.note(recorder);
    if (!recorded.run) {
      const run = { words: 0 };
      recorded.run = run;
      recorder.beforeReplay(() => {
        aboutToMove(this);
        this.goTo(this.key, this.offset + run.words);
      });
    }
    recorded.run.words++;
  }

  /** A float64 in [0, 1) with 53 random bits. */
  uniform(): number {
    const high = this.uint32() >>> 5;
    const low = this.uint32() >>> 6;
    return (high * 2 ** 26 + low) / 2 ** 53;
  }

  /** A standard normal, by Box and Muller in float64. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** A whole number in [0, bound), every one equally likely. */
  integer(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32)
      throw new OpError('Generator', `integer(${showValue(bound)}): give a whole number from 1 to 2³²`);
    const limit = Math.floor(2 ** 32 / bound) * bound;
    for (;;) {
      const word = this.uint32();
      if (word < limit) return word % bound;
    }
  }
}

const checkWhole = (numbers: Readonly<Record<string, unknown>>): void =>
  checkNumber('Generator', numbers, { from: 0, to: Number.MAX_SAFE_INTEGER, whole: true });

/** The default generator, and the recording that set it, if one did. */
interface Standard {
  readonly generator: Generator;
  readonly setIn: Recorder | undefined;
}
const standard = new ModeStack<Standard>({ generator: new Generator(0), setIn: undefined });
const place = {};

/** The generator used where none is passed. */
export function defaultGenerator(): Generator {
  const { generator, setIn } = standard.value;
  if (setIn !== currentRecorder()) guard(place, libraryGenerator);
  return generator;
}

/** The one that a recorded function has set for itself; elsewhere the default one is to be asked for at every use. */
export function ownDefault(): Generator | undefined {
  const { generator, setIn } = standard.value;
  return setIn && setIn === currentRecorder() ? generator : undefined;
}

/** Whatever it is now; a recording does not depend on that. */
export const libraryGenerator = (): Generator => standard.value.generator;

/** Start the default generator anew, and return it (PyTorch's `torch.manual_seed`). */
export function manualSeed(seed: number): Generator {
  const { generator } = standard.value;
  generator.reseed(seed);
  return generator;
}

/** Run `body` with `generator` as the one used where none is passed; an async body has it until it settles. */
export function withDefaultGenerator<T>(generator: Generator, body: () => T): T {
  // One of another copy of the library will do.
  if (typeof (generator as Partial<Generator> | null | undefined)?.uniform !== 'function')
    throw new OpError('withDefaultGenerator', `takes a Generator, such as new Generator(42), got ${showValue(generator)}`);
  checkBody('withDefaultGenerator', body);
  return standard.during({ generator, setIn: currentRecorder() }, body);
}
