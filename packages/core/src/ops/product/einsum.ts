import { showValue } from '../../checks/errors.js';
import { AllOrNothing } from '../../storage/scope.js';
import { sizeOf } from '../../storage/spec.js';
import { checkTensor } from '../../tensor/check-tensor.js';
import type { Tensor } from '../../tensor/tensor.js';
import { slice } from '../region/slice.js';
import { sum } from '../sum/sum.js';
import { permute } from '../views/permute.js';
import { reshape } from '../views/reshape.js';
import { readEquation, refuseEquation } from './einsum-equation.js';
import { matmul } from './matmul.js';

/** A tensor whose dimensions have letters. */
interface Lettered {
  readonly x: Tensor;
  readonly letters: string;
}

/**
 * Sums of products by Einstein's notation (PyTorch's `einsum`): `einsum('bij,bjk->bik', [a, b])`. Letters that the result does not have
 * are summed over; without an arrow the result has those that come once, in the alphabet's order, behind what `...` stands for. A letter
 * twice in one operand takes its diagonal; sizes of 1 fit any others of the letter. Several operands are multiplied from the left, two at
 * a time, as batched matrix products.
 */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  if (typeof equation !== 'string' || !Array.isArray(operands) || operands.length === 0)
    refuseEquation(
      `takes an equation and a list of tensors, einsum('ij,jk->ik', [a, b]), got ${showValue(equation)} and ${showValue(operands)}`,
    );
  operands.forEach((x: Tensor, i) => {
    checkTensor('einsum', x, `operands[${i}]`);
  });
  const { terms, result, sizes } = readEquation(
    equation,
    operands.map(({ shape }) => shape),
  );
  using whole = new AllOrNothing();
  const lettered = terms.map((letters, i) => withoutOnes(onDiagonals({ x: operands[i] as Tensor, letters }), sizes));
  const joined = lettered.reduce((left, right, i) => {
    const later = terms.slice(i + 1).join('') + result;
    return multiplied(left, right, later);
  });
  return whole.done(ordered(summed(joined, result), result));
}

/** Each letter once: of a letter that comes twice, what lies on the diagonal of both dimensions. */
function onDiagonals({ x, letters }: Lettered): Lettered {
  const twice = [...letters].find((letter, d) => letters.indexOf(letter) !== d);
  if (twice === undefined) return { x, letters };
  const [first, second] = [letters.indexOf(twice), letters.lastIndexOf(twice)];
  const size = x.shape[first] as number;
  if (size !== x.shape[second]) return refuseEquation(`"${twice}" is ${size} and ${x.shape[second]} in one operand`);
  const others = [...letters].flatMap((_, d) => (d === first || d === second ? [] : [d]));
  const last = permute(x, [...others, first, second]);
  const lead = last.shape.slice(0, others.length);
  // Of each matrix as one row, every (size + 1)-th element.
  const rows = reshape(last, [...lead, size * size]);
  return onDiagonals({
    x: slice(rows, [...others.map(() => null), { step: size + 1 }]),
    letters: others.map((d) => letters[d]).join('') + twice,
  });
}

/** Without the dimensions of size 1 that others have more of: their product with those is what broadcasting gives. */
function withoutOnes({ x, letters }: Lettered, sizes: ReadonlyMap<string, number>): Lettered {
  const kept = [...letters].flatMap((letter, d) => (x.shape[d] === 1 && sizes.get(letter) !== 1 ? [] : [d]));
  if (kept.length === letters.length) return { x, letters };
  return {
    x: reshape(
      x,
      kept.map((d) => x.shape[d] as number),
    ),
    letters: kept.map((d) => letters[d]).join(''),
  };
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
