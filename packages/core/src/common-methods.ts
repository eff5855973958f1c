import { addCommonMethods } from './methods/common-method-table.js';

// `import '@initlab/core/methods/common'`: Tensor's common methods, as modules bring them. package.json names this file as one that has
// an effect.
addCommonMethods();
