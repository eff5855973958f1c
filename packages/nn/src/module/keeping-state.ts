import { copyInto, hostUntouched, narrow, noGrad, reshape, scope, type Tensor } from '@initlab/core';
import { checkBody } from '@initlab/core/internal';
import { checkModule, type Module } from './module.js';

/** Its words in memory of their own; an op that computed them might flush what is no normal number. */
export const wordsOf = (x: Tensor): Tensor => narrow(reshape(x, [x.size]), { dim: 0, start: 0, length: x.size });

/**
 * Run `body`, which sends something through `model` as training does, and then put back what that moved: running statistics and other
 * buffers, the counters of dropout layers, data and generators. Parameters and modes are the body's own affair, and so is what a
 * layer keeps where nothing finds it (a `#private` tensor). Works eagerly and inside `compile`; `withoutTrace` evaluates instead.
 */
export function keepingState<T>(model: Module, body: () => T): T {
  checkModule('keepingState', model);
  checkBody('keepingState', body);
  const buffers = [...model.namedBuffers()].map(([, buffer]) => buffer).filter(({ size }) => size > 0);
  return scope(() => {
    const before = noGrad(() => buffers.map(wordsOf));
    try {
      return hostUntouched(body);
    } finally {
      noGrad(() => {
        for (const [i, buffer] of buffers.entries()) copyInto(buffer, reshape(before[i] as Tensor, buffer.shape));
      });
    }
  });
}
