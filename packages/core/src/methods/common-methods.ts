import { Tensor } from '../tensor/tensor.js';
import { commonMethods } from './tensor-method-table.js';

/** Adds the common methods to Tensor. */
export function addCommonMethods(): void {
  Object.assign(Tensor.prototype, commonMethods);
}
