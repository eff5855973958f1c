import { Tensor } from '../tensor/tensor.js';
import { commonMethods } from './common-method-table.js';

/** Makes functions of a tensor methods of it, by their names. */
export function makeMethods(functions: Readonly<Record<string, (x: Tensor, ...rest: never[]) => unknown>>): void {
  for (const [name, of] of Object.entries(functions))
    Object.assign(Tensor.prototype, {
      [name](this: Tensor, ...rest: never[]): unknown {
        return of(this, ...rest);
      },
    });
}

/** Adds the common methods to Tensor. */
export const addCommonMethods = (): void => makeMethods(commonMethods);
