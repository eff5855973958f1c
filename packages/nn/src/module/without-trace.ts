import { copyInto, mul, noGrad, scope } from '@initlab/core';
import { checkBody } from '@initlab/core/internal';
import { checkModule, type Module } from './module.js';

/** Runs `body`, then `last`: also where it throws, and of an async one when it has settled. */
export function afterwards<T>(body: () => T, last: () => void): T {
  let result: T;
  try {
    result = body();
  } catch (error) {
    last();
    throw error;
  }
  if (result instanceof Promise) return result.finally(last) as T;
  last();
  return result;
}

/**
 * Run `body`, which sends something through `model` only to look at it, so that nothing of it stays: in evaluation mode (norms
 * use their running statistics, dropout does nothing), off the tape, in a scope of its own. Modes and buffers are then what they
 * were, also when it throws.
 *
 * ```ts
 * const features = withoutTrace(model, () => model.forward(images));
 * ```
 */
export function withoutTrace<T>(model: Module, body: () => T): T {
  checkModule('withoutTrace', model);
  checkBody('withoutTrace', body);
  return noGrad(() =>
    scope(() => {
      const modes = model.modules().map((module) => [module, module.training] as const);
      const buffers = [...model.namedBuffers()].map(([, buffer]) => ({ buffer, before: mul(buffer, 1) }));
      model.eval();
      return afterwards(body, () => {
        for (const [module, mode] of modes) module.training = mode;
        for (const { buffer, before } of buffers) copyInto(buffer, before);
      });
    }),
  );
}
