export * from './tables.js';
export type * from './tuned-table.js';
