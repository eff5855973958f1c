export * from './hessian-product.js';
export * from './lanczos.js';
export * from './power-iteration.js';
export * from './tridiagonal.js';
