import { Tensor } from '../tensor/tensor.js';
import { moreMethods } from './more-method-table.js';
import { commonMethods } from './tensor-method-table.js';

const methods = { ...commonMethods, ...moreMethods };

// Apart from the table: where a file both names Tensor and adds to it, TypeScript leaves the import out of its declarations.
type Methods = { [Name in keyof typeof methods]: OmitThisParameter<(typeof methods)[Name]> };
declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}

/** Adds them to Tensor, and gives their names. */
export function addMethods(): readonly string[] {
  Object.assign(Tensor.prototype, methods);
  return Object.keys(methods);
}

/** Names of the methods added to Tensor. To load this file is to add them, in Node; a bundler leaves it out where nobody asks for it. */
export const tensorMethods: readonly string[] = addMethods();
