export * from './chain.js';
export { collapse } from './collapse.js';
export { mathFunctions, mathUsedIn } from './math.wgsl.js';
export * from './pointwise.js';
export { binaryGradReads, unaryGradReads } from './step-code.js';
export * from './table.js';
