import { OpError } from '../checks/errors.js';
import { getOrMake } from '../get-or-make.js';
import type { GraphNode } from '../op/graph-node.js';
import { gradEnabled } from '../op/tape.js';
import type { Storage } from '../storage/storage.js';
import { Tensor } from '../tensor/tensor.js';
import type { Feed, StepInput } from './feeds.js';
import { overlaps } from './sharing.js';

type ByBuffer = Map<object, Set<Storage>>;

/** Memory from outside that a recorded function reads and writes where it lies. */
export class Captured {
  private readonly all: ByBuffer = new Map();
  private readonly written: ByBuffer = new Map();

  /** `own`: what the recording has for itself. */
  constructor(nodes: readonly GraphNode[], own: ReadonlySet<Storage>) {
    for (const node of nodes) {
      for (const value of node.reads) if (!own.has(value.storage)) note(this.all, value.storage);
      for (const storage of node.writes) if (!own.has(storage)) note(this.written, storage);
    }
  }

  /**
   * Would the function see that it was given a copy of these bytes? It would where it writes to them by another name, and, if it
   * writes to the copy (`written`), where it reads them by another name.
   */
  tellsFromCopy(storage: Storage, written: boolean): boolean {
    const known = storage.region && (written ? this.all : this.written).get(storage.region.buffer);
    return known !== undefined && [...known].some((other) => overlaps(other, storage));
  }
}

function note(map: ByBuffer, storage: Storage): void {
  const buffer = storage.region?.buffer;
  if (buffer) getOrMake(map, buffer, () => new Set()).add(storage);
}

/** An input that a recording works on as it is. */
export interface AsItIs {
  readonly storage: Storage;
  /** The tensor itself, where its gradient counts; else a handle on its bytes does. */
  readonly itself?: Tensor;
}
export type AsTheyAre = ReadonlyMap<number, AsItIs>;

/** What of a recording decides whether a copy of an input does. */
interface Told {
  readonly feeds: readonly Feed[];
  readonly captured: Captured;
  readonly findsGradients: boolean;
}

/**
 * Inputs of which the function would see that it was given copies: those that it also reaches in another way, and those whose
 * gradient it asks for. It is to get them as they are.
 */
export function toldFromCopies({ feeds, captured, findsGradients }: Told, inputs: readonly StepInput[]): [number, AsItIs][] {
  const leaves = new Map(findsGradients ? leavesIn(inputs) : []);
  return feeds.flatMap((each): [number, AsItIs][] => {
    const value = each.from(inputs);
    if (!(value instanceof Tensor)) return [];
    const { storage } = value;
    const { at } = each;
    const leaf = at === undefined ? undefined : leaves.get(at);
    if (!leaf && !captured.tellsFromCopy(storage, each.written)) return [];
    if (at !== undefined) return [[at, leaf ?? { storage }]];
    throw new OpError(
      'compile',
      `the function reads ${each.name}, and its bytes by another name, and writes to them; use one name for both`,
    );
  });
}

/** Inputs that want gradients. */
export function leavesIn(inputs: readonly StepInput[]): [number, AsItIs][] {
  if (!gradEnabled()) return [];
  return inputs.flatMap((x, at): [number, AsItIs][] =>
    x instanceof Tensor && x.requiresGrad ? [[at, { storage: x.storage, itself: x }]] : [],
  );
}

const numbers = new WeakMap<object, number>();
let count = 0;
const numberOf = (thing: object): number => getOrMake(numbers, thing, () => count++);

/** Which inputs these are, as a key. */
export const keyOf = (asTheyAre: AsTheyAre): string =>
  JSON.stringify(
    [...asTheyAre].map(([at, { storage, itself }]) => {
      const { region, bytes } = storage;
      return [at, itself && numberOf(itself), region && numberOf(region.buffer), region?.offset, bytes];
    }),
  );
