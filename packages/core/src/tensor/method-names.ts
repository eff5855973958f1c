import { OpError } from '../checks/errors.js';

/** The methods that `common-method-table.ts` has: what modules bring with them. */
const commonNames = [
  'add',
  'sub',
  'mul',
  'div',
  'pow',
  'neg',
  'abs',
  'exp',
  'log',
  'sqrt',
  'rsqrt',
  'square',
  'relu',
  'sigmoid',
  'tanh',
  'clamp',
  'sum',
  'mean',
  'reshape',
  'flatten',
  'squeeze',
  'unsqueeze',
  'expand',
  'to',
  'backward',
] as const;
export type CommonMethod = (typeof commonNames)[number];

/** Those of `all-method-table.ts`, whose kernels few programs want. */
const moreNames = [
  'matmul',
  'permute',
  'transpose',
  'narrow',
  'split',
  'chunk',
  'flip',
  'roll',
  'variance',
  'std',
  'norm',
  'logsumexp',
  'prod',
  'amax',
  'amin',
  'argmax',
  'argmin',
  'cumsum',
  'sort',
  'topk',
  'indexSelect',
  'gather',
  'scatterAdd',
] as const;
export type MoreMethod = (typeof moreNames)[number];
const methodNames = [...commonNames, ...moreNames];

/**
 * Puts a refusal in the place of each: a bundle that calls single functions has no methods (and not the kernels of them all), and
 * says what to import where one is called. `tensor-methods.ts` replaces them.
 */
export function refuseMethods(prototype: object): readonly string[] {
  for (const name of methodNames)
    Object.defineProperty(prototype, name, {
      configurable: true,
      writable: true,
      value: (): never => {
        throw new OpError(name, `this bundle has no methods on tensors; import '@initlab/core/methods' once, or call ${name}(x, …)`);
      },
    });
  return methodNames;
}
