import { OpError } from '@initlab/core';
import { checkBody, checkFlags, checkOptions, currentRecorder, outdateRecordings } from '@initlab/core/internal';
import type { FullBackwardHook, FullBackwardPreHook } from './backward-pass.js';
import { attach, type ForwardHook, type ForwardPreHook, type HookKind, type HookKinds } from './hooks.js';
import { checkModule, type Module } from './module.js';

/** Takes a hook away again (PyTorch's `RemovableHandle`), by `remove()` or at the end of a block: `using handle = …`. */
export interface HookHandle {
  /** Takes it away; again does nothing. */
  remove(): void;
  [Symbol.dispose](): void;
}

/** Options of `registerForwardHook` and its kin. */
export interface HookOptions {
  /** Called before the hooks of its kind that are there, not after them. Default false. */
  readonly prepend?: boolean | undefined;
}

/**
 * Call `hook` before every forward of `module`, with its input; a tensor that it returns is taken instead (PyTorch's
 * `register_forward_pre_hook`). See `registerForwardHook` for order and compiled steps.
 */
export const registerForwardPreHook = (module: Module, hook: ForwardPreHook, options: HookOptions = {}): HookHandle =>
  register('registerForwardPreHook', module, { kind: 'forwardPre', hook, options });

/**
 * Call `hook` after every forward of `module`, with its input and output, until the handle's `remove()`; a tensor that it returns
 * is the output (PyTorch's `register_forward_hook`). Hooks of a module are called in the order they came, those of modules inside
 * before those around them. Of a compiled step hooks are part as any code: they run while it is recorded, what they compute is computed
 * at every call, and a step is recorded anew where one came or went. Inside a compiled function, which JavaScript runs once, they cannot
 * be registered: do it outside, or use `withForwardHook`.
 *
 * ```ts
 * using handle = registerForwardHook(layer, (_, { output }) => output.clamp({ max: 6 }));
 * ```
 */
export const registerForwardHook = (module: Module, hook: ForwardHook, options: HookOptions = {}): HookHandle =>
  register('registerForwardHook', module, { kind: 'forward', hook, options });

/**
 * Call `hook` during backward with the gradients of the output and the input of every forward of `module`; a tensor that it returns is
 * the input's gradient (PyTorch's `register_full_backward_hook`). It belongs to the forwards that are made while it is there. What it
 * sees lives as long as backward runs: `keep` a copy, `keep(gradOutput.mul(1))`. See `registerForwardHook` for order and compiled steps.
 */
export const registerFullBackwardHook = (module: Module, hook: FullBackwardHook, options: HookOptions = {}): HookHandle =>
  register('registerFullBackwardHook', module, { kind: 'fullBackward', hook, options });

/**
 * Call `hook` during backward with the gradient of the output of every forward of `module`; a tensor that it returns takes its place in
 * the module's backward (PyTorch's `register_full_backward_pre_hook`). Otherwise as `registerFullBackwardHook`, which it comes before.
 */
export const registerFullBackwardPreHook = (module: Module, hook: FullBackwardPreHook, options: HookOptions = {}): HookHandle =>
  register('registerFullBackwardPreHook', module, { kind: 'fullBackwardPre', hook, options });

function register<K extends HookKind>(
  name: string,
  module: Module,
  { kind, hook, options }: { readonly kind: K; readonly hook: HookKinds[K]; readonly options: HookOptions },
): HookHandle {
  checkModule(name, module);
  checkBody(name, hook);
  checkOptions(name, options, ['prepend']);
  checkFlags(name, { prepend: options.prepend });
  if (currentRecorder())
    throw new OpError(
      name,
      'a compiled function runs its JavaScript once, so the hook would not come again at the next call; register it outside, or use withForwardHook inside',
    );
  const remove = attach(module, { kind, hook, prepend: options.prepend, lasting: true });
  // Those made before a module had its first hook did not ask for any.
  outdateRecordings();
  return { remove, [Symbol.dispose]: remove };
}
