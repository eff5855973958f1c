import { checkBody, guard, type Tensor } from '@initlab/core';
import { checkModule, type Module } from './module.js';
import { afterwards } from './without-trace.js';

/** Sees a module's input and output; a tensor it returns takes the output's place (PyTorch's forward hook). */
export type ForwardHook = (module: Module, seen: { readonly input: Tensor; readonly output: Tensor }) => Tensor | undefined;

/** What watches a module now, in the order it came, and the `forward` of its own that it had before. */
interface Watched {
  readonly former: PropertyDescriptor | undefined;
  readonly hooks: ForwardHook[];
  /** Hooks that came and went so far. */
  changes: number;
}
const watched = new WeakMap<Module, Watched>();

function attach(module: Module, hook: ForwardHook): void {
  let entry = watched.get(module);
  if (!entry) {
    const hooks: ForwardHook[] = [];
    const made: Watched = { former: Object.getOwnPropertyDescriptor(module, 'forward'), hooks, changes: 0 };
    entry = made;
    const forward = module.forward.bind(module);
    const observed = (input: Tensor): Tensor => {
      // What hooks do is in a recording: it serves while these are here.
      guard(made, () => watched.get(module) === made && made.changes);
      return hooks.reduce((output, each) => each(module, { input, output }) ?? output, forward(input));
    };
    Object.defineProperty(module, 'forward', { value: observed, configurable: true, writable: true, enumerable: false });
    watched.set(module, entry);
  }
  // One that a compiled function attaches is its own doing at every call.
  guard(entry);
  entry.hooks.push(hook);
  entry.changes++;
}

function detach(module: Module, hook: ForwardHook): void {
  const entry = watched.get(module);
  if (!entry) return;
  entry.hooks.splice(entry.hooks.lastIndexOf(hook), 1);
  entry.changes++;
  if (entry.hooks.length > 0) return;
  watched.delete(module);
  if (entry.former) Object.defineProperty(module, 'forward', entry.former);
  else Reflect.deleteProperty(module, 'forward');
}

/**
 * Run `body` while `hook` is called after the forward of every module under `model` (and of `model` itself), innermost
 * first, in order of execution. The hooks are gone when it returns, throws or, of an async body, settles; several may be there at
 * once. Whoever only looks runs it in `withoutTrace`.
 */
export function withForwardHook<T>(model: Module, hook: ForwardHook, body: () => T): T {
  checkModule('withForwardHook', model);
  checkBody('withForwardHook', hook);
  checkBody('withForwardHook', body);
  const hooked = model.modules();
  for (const module of hooked) attach(module, hook);
  return afterwards(body, () => {
    for (const module of hooked) detach(module, hook);
  });
}
