import { OpError, showValue, Tensor } from '@initlab/core';

/** Throws for tensors that cannot hold what is drawn. */
export function checkFillable(name: string, x: Tensor): 'f32' | 'f16' {
  if (!(x instanceof Tensor)) throw new OpError(name, `takes a tensor to fill, got ${showValue(x)}`);
  if (x.dtype !== 'f32' && x.dtype !== 'f16') throw new OpError(name, `fills floating-point tensors, got ${x.dtype}`);
  return x.dtype;
}
