import { OpError, showValue } from '@initlab/core';
import { Optimizer } from './optimizer.js';

export function checkOptimizer(op: string, optimizer: unknown): asserts optimizer is Optimizer {
  if (!(optimizer instanceof Optimizer)) throw new OpError(op, `takes an optimiser, such as new SGD(…), got ${showValue(optimizer)}`);
}
