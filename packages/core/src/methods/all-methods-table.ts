import { moreMethods } from './more-method-table.js';
import { commonMethods } from './tensor-method-table.js';

/** Every method that `@initlab/core/methods` adds. */
export const allMethods = { ...commonMethods, ...moreMethods };
