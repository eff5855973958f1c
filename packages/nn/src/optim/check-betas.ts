import { OpError } from '@initlab/core';
import { checkNumber, showValue } from '@initlab/core/internal';

/** Two decays of running means, from 0 below 1. */
export type Betas = readonly [number, number];

/** Throws for what is no pair of decays. */
export function checkBetas(name: string, betas: Betas): Betas {
  if (!Array.isArray(betas) || betas.length !== 2) throw new OpError(name, `betas are two numbers, [0.9, 0.999], got ${showValue(betas)}`);
  const [beta1, beta2] = betas;
  checkNumber(name, { beta1, beta2 }, { from: 0, below: 1 });
  return betas;
}
