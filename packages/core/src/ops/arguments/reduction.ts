import { checkChoice } from '../../checks/check-options.js';

/** What becomes of the losses of a batch: their mean, their sum, or all of them. */
export type Reduction = 'mean' | 'sum' | 'none';

export const checkReduction = (op: string, reduction: Reduction): void =>
  checkChoice(op, 'reduction', { value: reduction, known: ['mean', 'sum', 'none'] });
