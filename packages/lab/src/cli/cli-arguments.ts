import { InvalidArgumentError } from 'commander';

// What options of the command line are made of; each refuses other text in words.

export const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('must be a whole number from 1');
  return value;
};
/** Parts between commas; an empty one, which `Number` takes for 0, is NaN. */
const numbersIn = (text: string): number[] => text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
export const seedList = (text: string): number[] => {
  const values = numbersIn(text);
  if (values.some((v) => !Number.isSafeInteger(v) || v < 0))
    throw new InvalidArgumentError('must be whole numbers from 0, separated by commas');
  const twice = values.find((v, i) => values.indexOf(v) < i);
  if (twice !== undefined) throw new InvalidArgumentError(`${twice} is given twice; a seed has one run`);
  return values;
};
export const seconds = (text: string): number => {
  const value = Number(text.replace(/s$/, ''));
  if (!(value > 0)) throw new InvalidArgumentError('must be seconds, like 60 or 60s');
  return value;
};
export const precisions = (text: string): ('f32' | 'mixed')[] =>
  text.split(',').map((word) => {
    if (word !== 'f32' && word !== 'mixed') throw new InvalidArgumentError('must be f32, mixed or f32,mixed');
    return word;
  });
export const names = (text: string): string[] => text.split(',').map((s) => s.trim());
export const number = (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('must be a number');
  return value;
};
export const numberList = (text: string): number[] => {
  const values = numbersIn(text);
  if (values.some((v) => !Number.isFinite(v))) throw new InvalidArgumentError('must be numbers, separated by commas');
  return values;
};
/** For an option that may be given several times. */
export const collect = (text: string, given: readonly string[] = []): string[] => [...given, text];
