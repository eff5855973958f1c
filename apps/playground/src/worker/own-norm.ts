import { type Device, noGrad, scope, Tensor, zeros } from '@initlab/core';
import { Module, type NormFactory } from '@initlab/nn';
import { OwnCodeError } from './own-code-error.js';
import { namesIn, ownModule } from './own-module.js';

type NormClass = new (numFeatures: number, options?: { device?: Device | undefined }) => Module;

/**
 * The norm whose class the code exports, as `initlab train` takes one of such a file. Its JavaScript is what `transpile` made. What it
 * throws, and an output of another shape than its input, are an OwnCodeError, with the line where one is known.
 */
export async function ownNorm(js: string): Promise<NormFactory> {
  const { exports, fault } = await ownModule(js, 'norm');
  const classes = Object.values(exports).filter((made) => typeof made === 'function' && made.prototype instanceof Module) as NormClass[];
  const [Norm, second] = classes;
  if (!Norm || second)
    throw new OwnCodeError(`it must export one class that extends Module of @initlab/nn; it exports ${namesIn(exports)}`, 'norm');
  const guarded = <T>(body: () => T): T => {
    try {
      return body();
    } catch (cause) {
      throw fault(cause);
    }
  };
  return (numFeatures, options) => {
    const norm = guarded(() => new Norm(numFeatures, options));
    const forward = norm.forward.bind(norm);
    norm.forward = (x) => {
      const y = guarded(() => forward(x));
      if (y instanceof Tensor && y.shape.join() === x.shape.join()) return y;
      const got = y instanceof Tensor ? `[${y.shape.join(', ')}]` : typeof y;
      throw new OwnCodeError(`its forward must keep the shape: it got [${x.shape.join(', ')}] and returned ${got}`, 'norm');
    };
    return norm;
  };
}

/** Runs a norm once, in training and after, on what a small layer would give it. */
export function tryNorm(factory: NormFactory, device: Device): void {
  const channels = 16;
  scope(() =>
    noGrad(() => {
      const norm = factory(channels, { device });
      const x = zeros([2, channels, 4, 4], { device });
      norm.forward(x);
      norm.eval();
      norm.forward(x);
      norm.dispose();
    }),
  );
}
