export * from './collect-problems.js';
export * from './tune-problem.js';
export * from './tuned-file.js';
