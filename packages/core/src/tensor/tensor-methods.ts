import { Tensor } from './tensor.js';
import { methods } from './tensor-method-table.js';

// Apart from the table: where a file both names Tensor and adds to it, TypeScript leaves the import out of its declarations.
type Methods = { [Name in keyof typeof methods]: OmitThisParameter<(typeof methods)[Name]> };
declare module './tensor.js' {
  interface Tensor extends Methods {}
}
Object.assign(Tensor.prototype, methods);

/** Names of the methods added to Tensor; importing this is what adds them. */
export const tensorMethods: readonly string[] = Object.keys(methods);
