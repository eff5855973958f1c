import { OpError, showShape } from '../checks/errors.js';
import { checkTensor } from '../tensor/check-tensor.js';
import { showValue } from '../checks/check-options.js';
import { AllOrNothing } from '../storage/scope.js';
import { sizeOf } from '../storage/spec.js';
import type { Tensor } from '../tensor/tensor.js';
import { matmul } from './matmul.js';
import { permute } from './permute.js';
import { reshape } from './reshape.js';
import { sum } from './sum.js';

/** A tensor whose dimensions have letters. */
interface Lettered {
  readonly x: Tensor;
  readonly letters: string;
}

const refuse = (message: string): never => {
  throw new OpError('einsum', message);
};

/**
 * Sums of products by Einstein's notation (PyTorch's `einsum`): `einsum('bij,bjk->bik', [a, b])`. Letters that the result does not have
 * are summed over; without an arrow the result has those that come once, in the alphabet's order. Several operands are multiplied from
 * the left, two at a time, as batched matrix products. A letter twice in one operand and `...` are refused.
 */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string' || !Array.isArray(operands) || operands.length === 0)
    refuse(`takes an equation and a list of tensors, einsum('ij,jk->ik', [a, b]), got ${showValue(equation)} and ${showValue(operands)}`);
  const { terms, result } = parse(equation, operands);
  using whole = new AllOrNothing();
  const lettered = terms.map((letters, i): Lettered => ({ x: operands[i] as Tensor, letters }));
  const joined = lettered.reduce((left, right, i) => {
    const later = terms.slice(i + 1).join('') + result;
    return multiplied(left, right, later);
  });
  const { x, letters } = summed(joined, result);
  return whole.done(ordered({ x, letters }, result));
}

function parse(equation: string, operands: readonly Tensor[]): { terms: string[]; result: string } {
  const bare = equation.replaceAll(' ', '');
  const form = /^([A-Za-z]*(?:,[A-Za-z]*)*)(?:->([A-Za-z]*))?$/.exec(bare);
  if (!form) return refuse(`${showValue(equation)} is no equation; write letters for dimensions, as in "bij,bjk->bik"`);
  const terms = (form[1] as string).split(',');
  if (terms.length !== operands.length) refuse(`"${equation}" has ${terms.length} operands, got ${operands.length}`);
  const sizes = new Map<string, number>();
  terms.forEach((letters, i) => {
    const x = operands[i] as Tensor;
    checkTensor('einsum', x, `operands[${i}]`);
    if (letters.length !== x.ndim) refuse(`"${letters}" names ${letters.length} dimensions, operand ${i} is ${showShape(x.shape)}`);
    if (new Set(letters).size !== letters.length)
      refuse(`"${letters}" has a letter twice: diagonals are not taken; mul() with eye() first`);
    [...letters].forEach((letter, d) => {
      const size = x.shape[d] as number;
      const known = sizes.get(letter) ?? size;
      if (known !== size) refuse(`"${letter}" is ${known} and ${size}`);
      sizes.set(letter, size);
    });
  });
  const all = terms.join('');
  const once = [...sizes.keys()].filter((letter) => all.indexOf(letter) === all.lastIndexOf(letter)).sort();
  const result = form[2] ?? once.join('');
  if (new Set(result).size !== result.length) refuse(`the result "${result}" has a letter twice`);
  for (const letter of result) if (!sizes.has(letter)) refuse(`the result's "${letter}" is in no operand`);
  return { terms, result };
}

/** Summed over the letters that nobody has after it. */
function summed({ x, letters }: Lettered, wanted: string): Lettered {
  const dims = [...letters].flatMap((letter, d) => (wanted.includes(letter) ? [] : [d]));
  if (dims.length === 0) return { x, letters };
  return { x: sum(x, { dims }), letters: [...letters].filter((letter) => wanted.includes(letter)).join('') };
}

function ordered({ x, letters }: Lettered, wanted: string): Tensor {
  return letters === wanted
    ? x
    : permute(
        x,
        [...wanted].map((letter) => letters.indexOf(letter)),
      );
}

/** Two operands as one: letters of both that are wanted later are the batch, those of both that are not are summed over. */
function multiplied(first: Lettered, second: Lettered, later: string): Lettered {
  const left = summed(first, second.letters + later);
  const right = summed(second, first.letters + later);
  const common = [...left.letters].filter((letter) => right.letters.includes(letter));
  const batch = common.filter((letter) => later.includes(letter)).join('');
  const inner = common.filter((letter) => !later.includes(letter)).join('');
  const rows = [...left.letters].filter((letter) => !common.includes(letter)).join('');
  const columns = [...right.letters].filter((letter) => !common.includes(letter)).join('');
  const a = ordered(left, batch + rows + inner);
  const b = ordered(right, batch + inner + columns);
  const split = (x: Tensor, from: number, to: number): number => sizeOf(x.shape.slice(from, to));
  const [most, m, n] = [batch.length, split(a, batch.length, batch.length + rows.length), split(b, batch.length + inner.length, b.ndim)];
  const [count, k] = [split(a, 0, most), split(b, most, most + inner.length)];
  const lead = most === 0 ? [] : [count];
  const product = matmul(reshape(a, [...lead, m, k]), reshape(b, [...lead, k, n]));
  return {
    x: reshape(product, [...a.shape.slice(0, most + rows.length), ...b.shape.slice(most + inner.length)]),
    letters: batch + rows + columns,
  };
}
