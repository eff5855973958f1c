import { copyInto, noGrad, reshape, scope, type Tensor } from '@initlab/core';
import { wordsOf } from '../module/keeping-state.js';
import type { Module } from '../module/module.js';

/** Runs `body`, which sets the model's parameters; where it throws, those that were there have the values they had. */
export async function orPutBack(model: Module, body: () => void | Promise<void>): Promise<void> {
  const parameters = model.parameters().filter(({ size }) => size > 0);
  const before = noGrad(() => scope(() => parameters.map(wordsOf)));
  try {
    await body();
  } catch (error) {
    noGrad(() =>
      scope(() => {
        for (const [i, p] of parameters.entries()) if (!p.disposed) copyInto(p, reshape(before[i] as Tensor, p.shape));
      }),
    );
    throw error;
  } finally {
    for (const copy of before) copy.dispose();
    // As many bytes as the model has: what is made next has other sizes, and would not take them from the pool.
    parameters[0]?.device.pool.trim();
  }
}
