import { planCopyRegions, planFill } from '@initlab/kernels';
import { type GraphNode, makeNode } from '../op/graph-node.js';
import { defineOp, madeHere } from '../op/op.js';
import { bytesOf, type TensorSpec } from '../storage/spec.js';
import { type GraphValue, Storage } from '../storage/storage.js';

/** What a function made of numbers while it was recorded: `zeros`, `tensor`, … */
export interface MadeConstant {
  readonly storage: Storage;
  readonly spec: TensorSpec;
  /** The word that it was filled with; absent where its numbers are in the storage. */
  readonly word: number | undefined;
  /** How many nodes were recorded before it. */
  readonly at: number;
}

const words = (y: TensorSpec): number => bytesOf(y) / 4;

const filledOp = defineOp<{ readonly word: number }>()({
  name: 'filled',
  inputs: [],
  outputs: ['y'],
  infer: madeHere,
  plan: ({ outputs: { y }, attrs, target }) => planFill({ count: words(y), value: attrs.word, dtype: 'u32' }, target),
});

const copiedOp = defineOp<null>()({
  name: 'copied',
  inputs: ['x'],
  outputs: ['y'],
  infer: madeHere,
  plan: ({ outputs: { y }, target }) => {
    const whole = { strides: [1], offset: 0 };
    return planCopyRegions([{ shape: [words(y)], dtype: 'u32', source: whole, target: whole }], target);
  },
});

/** What became of the constants of a recording. */
interface Renewed {
  readonly nodes: GraphNode[];
  /** What stands for a constant that is made anew. */
  readonly instead: ReadonlyMap<Storage, Storage>;
  /** Numbers to copy from, which live as long as the step. */
  readonly pristine: readonly Storage[];
  /** Are there some that it kept, which were left as they are? The function or its caller may change them. */
  readonly keeps: boolean;
  /** Those that it keeps, made anew at every call. */
  readonly given: readonly Storage[];
}

interface RenewOptions {
  readonly results: ReadonlySet<Storage>;
  /** What leaves were given. */
  readonly left: ReadonlySet<Storage>;
  /** The function was seen to make what it keeps at a call before. */
  readonly again: boolean;
}

/**
 * Eager code makes its constants at every call; a recording has them once, which is the same as long as nobody writes to
 * them. Those that the step changes in place, or hands out, are made anew at every call, where the function made them. What
 * the function kept (`keep`, a field) outlives the call in eager code, too, and stays, whoever changes it between calls; where
 * the function makes it `again`, at a second call, that begins with its first content like any other.
 */
export function renewConstants(
  nodes: readonly GraphNode[],
  constants: readonly MadeConstant[],
  { results, left, again }: RenewOptions,
): Renewed {
  const written = new Set(nodes.flatMap((node) => node.writes));
  const instead = new Map<Storage, Storage>();
  const pristine: Storage[] = [];
  const givenAway: Storage[] = [];
  let keeps = false;
  const makers = new Map<number, GraphNode[]>();
  for (const { storage, spec, word, at } of constants) {
    const kept = storage.shared;
    const given = kept && (again || left.has(storage));
    if (kept && !given) {
      keeps = true;
      continue;
    }
    if (!given && !written.has(storage) && !results.has(storage)) continue;
    const own = given ? storage : Storage.virtual(storage.device, storage.bytes, storage.label);
    if (given) givenAway.push(storage);
    else instead.set(storage, own);
    let source = storage;
    if (given && word === undefined) {
      source = copyOf(storage);
      pristine.push(source);
    }
    makers.set(at, [...(makers.get(at) ?? []), maker({ source, word, value: { storage: own, spec } })]);
  }
  if (makers.size === 0) return { nodes: [...nodes], instead, pristine, keeps, given: givenAway };
  const renamed = (value: GraphValue): GraphValue => ({ ...value, storage: instead.get(value.storage) ?? value.storage });
  const all = nodes.map((node) => node.map(renamed));
  const withMakers = [...all, undefined].flatMap((node, i) => [...(makers.get(i) ?? []), ...(node ? [node] : [])]);
  return { nodes: withMakers, instead, pristine, keeps, given: givenAway };
}

function maker({ source, word, value }: { source: Storage; word: number | undefined; value: GraphValue }): GraphNode {
  if (word !== undefined) return makeNode(filledOp, { attrs: { word }, in: {}, out: { y: value } });
  return makeNode(copiedOp, { attrs: null, in: { x: { storage: source, spec: value.spec } }, out: { y: value } });
}

function copyOf(storage: Storage): Storage {
  const made = Storage.allocate(storage.device, storage.bytes, storage.label).dropQuietly();
  if (storage.region && made.region) storage.device.commands.copy(storage.region, made.region, storage.bytes);
  return made;
}
