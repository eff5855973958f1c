export type ReduceKind = 'sum' | 'max' | 'min';

/** What becomes of an output of the chain: it is reduced and multiplied by the number, or stored as it is. */
export type ReduceResult = number | 'whole';

/** Invocations of a workgroup. */
export const reduceGroup = 64;
