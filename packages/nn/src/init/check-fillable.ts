import { defaultGenerator, type Generator, OpError, Tensor } from '@initlab/core';
import { showValue } from '@initlab/core/internal';

/** Throws for tensors that cannot hold what is drawn. */
export function checkFillable(name: string, x: Tensor): 'f32' | 'f16' {
  if (!(x instanceof Tensor)) throw new OpError(name, `takes a tensor to fill, got ${showValue(x)}`);
  if (x.dtype !== 'f32' && x.dtype !== 'f16') throw new OpError(name, `fills floating-point tensors, got ${x.dtype}`);
  return x.dtype;
}

/** What draws: the library's generator where none is given. Throws for a seed or anything else in its place. */
export function generatorOf(name: string, generator: Generator | undefined): Generator {
  if (generator === undefined) return defaultGenerator();
  // Whatever draws will do: a class of one's own, or a generator of another copy of the library.
  const given = generator as Partial<Generator> | null;
  if (typeof given?.uniform !== 'function' && typeof given?.normal !== 'function')
    throw new OpError(name, `generator is ${showValue(generator)}; give a Generator, such as new Generator(42)`);
  return generator;
}
