import { Tensor } from '../tensor/tensor.js';
import { allMethods } from './all-methods-table.js';

// Apart from the table: where a file both names Tensor and adds to it, TypeScript leaves the import out of its declarations.
type Methods = { [Name in keyof typeof allMethods]: OmitThisParameter<(typeof allMethods)[Name]> };
declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}

/** Adds them to Tensor, and gives their names. */
export function addMethods(): readonly string[] {
  Object.assign(Tensor.prototype, allMethods);
  return Object.keys(allMethods);
}

/** Names of the methods added to Tensor. To load this file is to add them, in Node; a bundler leaves it out where nobody asks for it. */
export const tensorMethods: readonly string[] = addMethods();
