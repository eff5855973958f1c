import { OpError } from '../checks/errors.js';

/** A number, or arrays of numbers of any depth. */
export type Nested = number | readonly Nested[];

export const isNested = (data: unknown): data is Nested => typeof data === 'number' || Array.isArray(data);

/** The numbers of nested arrays in order, and the shape that the nesting gives. Throws where the arrays are not alike. */
export function flattenNested(data: Nested): { shape: number[]; values: number[] } {
  const shape: number[] = [];
  for (let first: Nested | undefined = data; Array.isArray(first); first = first[0]) shape.push(first.length);
  const values: number[] = [];
  const place: number[] = [];
  const walk = (part: Nested): void => {
    const length = shape[place.length];
    if (typeof part === 'number' && length === undefined) values.push(part);
    else if (Array.isArray(part) && part.length === length)
      for (let i = 0; i < length; i++) {
        place.push(i);
        walk(part[i]);
        place.pop();
      }
    else throw uneven(part, { place, length });
  };
  walk(data);
  return { shape, values };
}

function uneven(part: unknown, { place, length }: { place: readonly number[]; length: number | undefined }): OpError {
  const wanted = length === undefined ? 'a number' : `an array of ${length}`;
  const got = Array.isArray(part) ? `an array of ${part.length}` : typeof part;
  const advice = typeof part === 'boolean' ? '; write 1 and 0' : '';
  return new OpError(
    'tensor',
    `nested arrays are equally long and hold numbers: data${place.map((i) => `[${i}]`).join('')} should be ${wanted}, got ${got}${advice}`,
  );
}
