import { addMethods } from './methods/tensor-methods.js';

// `import '@initlab/core/methods'`: Tensor's methods, in a bundle too. package.json names this file as one that has an effect.
addMethods();
