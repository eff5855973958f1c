import { checkBody } from '@initlab/core/internal';
import { attach, type ForwardHook } from './hooks.js';
import { checkModule, type Module } from './module.js';
import { afterwards } from './without-trace.js';

/**
 * Run `body` while `hook` is called after the forward of every module under `model` (and of `model` itself), innermost
 * first, in order of execution. The hooks are gone when it returns, throws or, of an async body, settles; several may be there at
 * once. Whoever only looks runs it in `withoutTrace`. One that stays is `registerForwardHook`.
 */
export function withForwardHook<T>(model: Module, hook: ForwardHook, body: () => T): T {
  checkModule('withForwardHook', model);
  checkBody('withForwardHook', hook);
  checkBody('withForwardHook', body);
  const removers = model.modules().map((module) => attach(module, { kind: 'forward', hook }));
  return afterwards(body, () => {
    for (const remove of removers) remove();
  });
}
