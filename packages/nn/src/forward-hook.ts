import type { Tensor } from '@initlab/core';
import { checkModule, type Module } from './module.js';
import { afterwards } from './without-trace.js';

/** Sees a module's input and output; a tensor it returns takes the output's place (PyTorch's forward hook). */
export type ForwardHook = (module: Module, seen: { readonly input: Tensor; readonly output: Tensor }) => Tensor | undefined;

/**
 * Run `body` while `hook` is called after the forward of every module under `model` (and of `model` itself), innermost
 * first, in order of execution. The hooks are gone when it returns or throws. Whoever only looks runs it in `withoutTrace`.
 */
export function withForwardHook<T>(model: Module, hook: ForwardHook, body: () => T): T {
  checkModule('withForwardHook', model);
  const hooked = model.modules();
  const before = hooked.map((module) => Object.getOwnPropertyDescriptor(module, 'forward'));
  for (const module of hooked) {
    const forward = module.forward.bind(module);
    const observed = (input: Tensor): Tensor => {
      const output = forward(input);
      return hook(module, { input, output }) ?? output;
    };
    Object.defineProperty(module, 'forward', { value: observed, configurable: true, writable: true, enumerable: false });
  }
  return afterwards(body, () => {
    hooked.forEach((module, i) => {
      const former = before[i];
      if (former) Object.defineProperty(module, 'forward', former);
      else Reflect.deleteProperty(module, 'forward');
    });
  });
}
