import { philox4x32 } from '@initlab/kernels';
import { checkOptions, showValue } from '../check-options.js';
import { OpError } from '../errors.js';
import type { MovingState } from '../host-untouched.js';

/** Where a generator stands: enough to go on bit for bit. */
export interface GeneratorState {
  readonly seed: number;
  readonly stream: number;
  /** Words drawn so far. */
  readonly offset: number;
}

/**
 * Random numbers by Philox4x32-10 of (seed, stream, counter): the same on every machine and adapter, whatever ran
 * before. Numbers are drawn on the CPU in float64; kernels draw theirs by index from the same function.
 */
export class Generator implements MovingState {
  readonly seed: number;
  readonly stream: number;
  private offset: number;
  private block: readonly number[] = [];

  /** `seed` is a whole number from 0 to 2⁵³ − 1; `stream` separates independent sequences of one seed. */
  constructor(seed = 0, options: { stream?: number; offset?: number } = {}) {
    checkOptions<typeof options>('Generator', options, ['stream', 'offset']);
    const { stream = 0, offset = 0 } = options;
    checkWhole({ seed });
    checkWhole({ offset });
    checkWhole({ stream }, 2 ** 32 - 1);
    this.seed = seed;
    this.stream = stream;
    this.offset = offset;
  }

  /** A generator that goes on from `state`. */
  static from(state: GeneratorState): Generator {
    const { seed, stream, offset } = state;
    return new Generator(seed, { stream, offset });
  }

  /** Where it stands; `Generator.from` goes on from there. */
  get state(): GeneratorState {
    return { seed: this.seed, stream: this.stream, offset: this.offset };
  }

  /** An independent sequence of the same seed. */
  fork(stream: number): Generator {
    return new Generator(this.seed, { stream });
  }

  /** A whole number in [0, 2³²). */
  uint32(): number {
    const lane = this.offset % 4;
    if (lane === 0 || this.block.length === 0) {
      const counter = Math.floor(this.offset / 4);
      const key = [this.seed >>> 0, Math.floor(this.seed / 2 ** 32)] as const;
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
    const first = Math.ceil(this.offset / 4);
    this.offset = (first + blocks) * 4;
    return [this.seed >>> 0, Math.floor(this.seed / 2 ** 32), first >>> 0, Math.floor(first / 2 ** 32), this.stream];
  }

  /** Answers how to put it back to where it stands now. */
  mark(): () => void {
    const { offset, block } = this;
    return () => {
      this.offset = offset;
      this.block = block;
    };
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

function checkWhole(number: Readonly<Record<string, unknown>>, most = Number.MAX_SAFE_INTEGER): void {
  for (const [name, value] of Object.entries(number))
    if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most)
      throw new OpError('Generator', `${name} is ${showValue(value)}; give a whole number from 0 to ${most}`);
}

let standard = new Generator(0);
/** The generator used where none is passed. */
export const defaultGenerator = (): Generator => standard;
/** Start the default generator anew (PyTorch's `torch.manual_seed`). */
export function manualSeed(seed: number): Generator {
  standard = new Generator(seed);
  return standard;
}
/** Run `body`, which must not be async, with `generator` as the one used where none is passed. */
export function withDefaultGenerator<T>(generator: Generator, body: () => T): T {
  const former = standard;
  standard = generator;
  try {
    return body();
  } finally {
    standard = former;
  }
}
