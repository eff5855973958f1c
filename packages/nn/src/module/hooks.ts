import { OpError, Tensor } from '@initlab/core';
import { guard, showValue } from '@initlab/core/internal';
import { BackwardPass, type FullBackwardHook, type FullBackwardPreHook } from './backward-pass.js';
import type { Module } from './module.js';

/** Sees a module's input before its forward; a tensor it returns takes the input's place (PyTorch's forward pre-hook). */
export type ForwardPreHook = (module: Module, seen: { readonly input: Tensor }) => Tensor | undefined;

/** Sees a module's input and output; a tensor it returns takes the output's place (PyTorch's forward hook). */
export type ForwardHook = (module: Module, seen: { readonly input: Tensor; readonly output: Tensor }) => Tensor | undefined;

/** The kinds of hooks that a module can have. */
export interface HookKinds {
  readonly forwardPre: ForwardPreHook;
  readonly forward: ForwardHook;
  readonly fullBackwardPre: FullBackwardPreHook;
  readonly fullBackward: FullBackwardHook;
}
export type HookKind = keyof HookKinds;

interface Attached<K extends HookKind> {
  readonly hook: HookKinds[K];
  /** Registered until it is removed, not for a body that runs now: a copy of the module gets it. */
  readonly lasting: boolean;
}
/** Replaced where they change: a forward under way goes on with those that it began with. */
type Lists = { [K in HookKind]: readonly Attached<K>[] };

/** What watches a module now, in the order it is called, and the `forward` of its own that it had before. */
interface Watched {
  readonly former: PropertyDescriptor | undefined;
  readonly lists: Lists;
  /** Hooks that came and went so far. */
  changes: number;
}
const watched = new WeakMap<Module, Watched>();

/** How a hook is attached. */
interface AttachOptions {
  /** Before those that are there. */
  readonly prepend?: boolean | undefined;
  readonly lasting?: boolean;
}

/** Puts a hook on a module; returns what takes it away again. */
export function attach<K extends HookKind>(
  module: Module,
  { kind, hook, prepend = false, lasting = false }: { readonly kind: K; readonly hook: HookKinds[K] } & AttachOptions,
): () => void {
  const entry = watched.get(module) ?? watch(module);
  // One that a compiled function attaches is its own doing at every call.
  guard(entry);
  const lists: { [L in K]: readonly Attached<L>[] } = entry.lists;
  const added: Attached<K> = { hook, lasting };
  lists[kind] = prepend ? [added, ...lists[kind]] : [...lists[kind], added];
  entry.changes++;
  return () => {
    if (!lists[kind].includes(added)) return;
    lists[kind] = lists[kind].filter((each) => each !== added);
    entry.changes++;
    if (Object.values(entry.lists).every(({ length }) => length === 0)) unwatch(module, entry);
  };
}

function watch(module: Module): Watched {
  const lists: Lists = { forwardPre: [], forward: [], fullBackwardPre: [], fullBackward: [] };
  const made: Watched = { former: Object.getOwnPropertyDescriptor(module, 'forward'), lists, changes: 0 };
  const { forward } = module;
  const observed = (given: Tensor, ...more: readonly unknown[]): Tensor => {
    // What hooks do is in a recording: it serves while these are here.
    guard(made, () => watched.get(module) === made && made.changes);
    const { forwardPre, forward: after } = lists;
    const taken = forwardPre.reduce((input, { hook }) => replaced(hook(module, { input }), input), given);
    const [fullBefore, fullAfter] = [lists.fullBackwardPre.map(({ hook }) => hook), lists.fullBackward.map(({ hook }) => hook)];
    const pass = fullBefore.length + fullAfter.length > 0 ? new BackwardPass(module, { before: fullBefore, after: fullAfter }) : undefined;
    const input = pass ? pass.entering(taken) : taken;
    const first: Tensor = Reflect.apply(forward, module, [input, ...more]);
    const output = after.reduce((y, { hook }) => replaced(hook(module, { input, output: y }), y), first);
    return pass ? pass.leaving(output) : output;
  };
  Object.defineProperty(module, 'forward', { value: observed, configurable: true, writable: true, enumerable: false });
  watched.set(module, made);
  return made;
}

function unwatch(module: Module, { former }: Watched): void {
  watched.delete(module);
  if (former) Object.defineProperty(module, 'forward', former);
  else Reflect.deleteProperty(module, 'forward');
}

/** What a hook answers in the place of what it saw. */
function replaced(answer: Tensor | undefined, seen: Tensor): Tensor {
  if (answer === undefined || answer === null) return seen;
  if (answer instanceof Tensor) return answer;
  throw new OpError('forward', `a hook returned ${showValue(answer)}; return a tensor, or nothing to leave what it saw`);
}

/** What a module has for a `forward` of its own beneath its hooks. */
export const ownForward = (module: Module): PropertyDescriptor | undefined => {
  const entry = watched.get(module);
  return entry ? entry.former : Object.getOwnPropertyDescriptor(module, 'forward');
};

/** Gives `copy` the hooks that were registered on `module`. */
export function copyHooks(module: Module, copy: Module): void {
  const entry = watched.get(module);
  if (!entry) return;
  const { forwardPre, forward, fullBackwardPre, fullBackward } = entry.lists;
  for (const { hook, lasting } of forwardPre) if (lasting) attach(copy, { kind: 'forwardPre', hook, lasting });
  for (const { hook, lasting } of forward) if (lasting) attach(copy, { kind: 'forward', hook, lasting });
  for (const { hook, lasting } of fullBackwardPre) if (lasting) attach(copy, { kind: 'fullBackwardPre', hook, lasting });
  for (const { hook, lasting } of fullBackward) if (lasting) attach(copy, { kind: 'fullBackward', hook, lasting });
}
