import { Parameter } from '@initlab/nn';

/** What a backward says whose forward saved other values than there are now. */
export const refused =
  /backward: the gradient of \w+ reads its \w+, .* as it was in the forward, but .* has changed it since; call backward before/;

/** A parameter with these values. */
export const parameter = (...values: number[]): Parameter => new Parameter([values.length]).set(values) as Parameter;
