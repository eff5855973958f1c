import { checkOptions } from '@initlab/core/internal';
import { expect, it } from 'vitest';

interface Wanted {
  stride?: number;
  padding?: number;
}

it('a list of options that lacks one, or names one too many, does not compile', () => {
  const options: Wanted = { stride: 2 };
  expect(() => checkOptions('op', options, ['stride', 'padding'])).not.toThrow();
  // @ts-expect-error: `padding` is lacking
  expect(() => checkOptions('op', options, ['stride'])).not.toThrow();
  // @ts-expect-error: there is no `dilation`
  expect(() => checkOptions('op', options, ['stride', 'padding', 'dilation'])).not.toThrow();
});
