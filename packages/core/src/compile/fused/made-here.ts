/** `infer` of ops that only a rewrite makes, with their outputs. */
export const madeHere = (): never => {
  throw new Error('an op that is made while compiling only was called');
};
