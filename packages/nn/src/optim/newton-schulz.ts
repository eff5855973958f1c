import { add, copyInto, div, linear, matmul, mul, noGrad, norm, reshape, scope, type Tensor, transpose } from '@initlab/core';

/** Of the quintic whose slope at 0 is steepest while singular values stay near 1. */
const [a, b, c] = [3.4445, -4.775, 2.0315];

/** [rows, columns] of a matrix, or of filters as one. */
const matrixOf = ({ shape: [rows = 1], size }: Tensor): readonly [number, number] => [rows, size / rows];

/**
 * Makes a matrix, or filters as a matrix [out, rest], nearly orthogonal, in place: singular values come to some 0.7 to 1.2, by the
 * iteration of Newton and Schulz; then times √max(1, rows / columns). A matrix of zeros stays. In f32.
 */
export function orthogonalize(x: Tensor, iterations: number): void {
  if (x.size === 0) return;
  const [rows, columns] = matrixOf(x);
  noGrad(() =>
    scope(() => {
      // The product with itself is of the smaller side.
      const tall = rows > columns;
      const matrix = reshape(x, [rows, columns]);
      let y = tall ? transpose(matrix, [0, 1]) : matrix;
      y = div(y, add(norm(y), 1e-7));
      for (let k = 0; k < iterations; k++) {
        const square = linear(y, y);
        y = add(mul(y, a), matmul(add(mul(square, b), mul(matmul(square, square), c)), y));
      }
      y = mul(tall ? transpose(y, [0, 1]) : y, Math.sqrt(Math.max(1, rows / columns)));
      copyInto(x, reshape(y, x.shape));
    }),
  );
}
