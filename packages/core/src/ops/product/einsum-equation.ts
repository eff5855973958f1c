import { OpError, showShape, showValue } from '../../checks/errors.js';

/** An equation whose every dimension has a letter, those that `...` stands for too. */
export interface Equation {
  /** Letters of each operand; one may come twice. */
  readonly terms: readonly string[];
  readonly result: string;
  /** By letter; of operands that have 1 there and others more, what the others have. */
  readonly sizes: ReadonlyMap<string, number>;
}

export const refuseEquation = (message: string): never => {
  throw new OpError('einsum', message);
};

const term = '[A-Za-z]*(?:\\.\\.\\.[A-Za-z]*)?';
const form = new RegExp(`^(${term}(?:,${term})*)(?:->(${term}))?$`);
/** Letters that no equation has, for the dimensions of `...` from the last to the first. */
const unnamed = 'αβγδεζηθ';
/** The letters of `...` where it stands for so many dimensions, in their order. */
const ellipsis = (count: number): string => [...unnamed.slice(0, count)].reverse().join('');

/** What an equation means for operands of these shapes. */
export function readEquation(equation: string, shapes: readonly (readonly number[])[]): Equation {
  const found = form.exec(equation.replaceAll(' ', ''));
  if (!found) return refuseEquation(`${showValue(equation)} is no equation; write letters for dimensions, as in "bij,bjk->bik"`);
  const written = (found[1] as string).split(',');
  if (written.length !== shapes.length) refuseEquation(`"${equation}" has ${written.length} operands, got ${shapes.length}`);
  const terms = written.map((letters, i) => named(letters, shapes[i] as readonly number[], i));
  const sizes = new Map<string, number>();
  terms.forEach((letters, i) => {
    [...letters].forEach((letter, d) => {
      const size = shapes[i]?.[d] as number;
      const known = sizes.get(letter) ?? 1;
      if (known !== size && known !== 1 && size !== 1)
        refuseEquation(`"${unnamed.includes(letter) ? '...' : letter}" is ${known} and ${size}`);
      sizes.set(letter, size === 1 ? known : size);
    });
  });
  return { terms, result: resultOf(found[2], terms, equation), sizes };
}

function named(letters: string, shape: readonly number[], i: number): string {
  const own = letters.replace('...', '').length;
  const open = letters.includes('...');
  if (open ? own > shape.length : own !== shape.length)
    refuseEquation(`"${letters}" names ${own} dimensions${open ? ' and more' : ''}, operand ${i} is ${showShape(shape)}`);
  if (shape.length - own > unnamed.length) refuseEquation(`"..." stands for ${unnamed.length} dimensions at most`);
  return letters.replace('...', ellipsis(shape.length - own));
}

function resultOf(written: string | undefined, terms: readonly string[], equation: string): string {
  const all = terms.join('');
  const most = Math.max(0, ...[...all].map((letter) => unnamed.indexOf(letter) + 1));
  const once = [...all].filter((letter) => !unnamed.includes(letter) && all.indexOf(letter) === all.lastIndexOf(letter));
  const result = (written ?? `...${once.sort().join('')}`).replace('...', ellipsis(most));
  if (new Set(result).size !== result.length) refuseEquation(`the result of "${equation}" has a letter twice`);
  for (const letter of result) if (!all.includes(letter)) refuseEquation(`the result's "${letter}" is in no operand`);
  return result;
}
