export * from './fan.js';
export * from './fills.js';
export { deltaOrthogonal_, orthogonal_, randomOrthonormal } from './orthogonal.js';
