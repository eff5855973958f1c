export * from './batched-matmul.js';
