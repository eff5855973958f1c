import { allMethods } from './all-method-table.js';
import { makeMethods } from './common-method-table.js';

// Apart from the table: where a file both names Tensor and adds to it, TypeScript leaves the import out of its declarations.
type Method<F> = F extends (x: never, ...rest: infer Rest) => infer R ? (...rest: Rest) => R : never;
type Methods = { [Name in keyof typeof allMethods]: Method<(typeof allMethods)[Name]> };
declare module '../tensor/tensor.js' {
  interface Tensor extends Methods {}
}

/** Adds them to Tensor, and gives their names. */
export function addMethods(): readonly string[] {
  makeMethods(allMethods);
  return Object.keys(allMethods);
}

/** Names of the methods added to Tensor. To load this file is to add them, in Node; a bundler leaves it out where nobody asks for it. */
export const tensorMethods: readonly string[] = addMethods();
