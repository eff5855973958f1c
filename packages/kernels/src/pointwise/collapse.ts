/**
 * Merge neighbouring dimensions that every operand walks through without a break, and drop those of size 1, so that
 * kernels do the least index arithmetic. `strides[i]` are operand i's, in elements, 0 where it is broadcast.
 */
export function collapse(shape: readonly number[], strides: readonly (readonly number[])[]): { shape: number[]; inputs: number[][] } {
  const kept = shape.flatMap((size, d) => (size === 1 ? [] : [d]));
  const outShape: number[] = [];
  const out: number[][] = strides.map(() => []);
  for (const d of kept) {
    const size = shape[d] as number;
    const last = outShape.length - 1;
    const joins = last >= 0 && strides.every((s, i) => (out[i] as number[])[last] === (s[d] as number) * size);
    if (joins) {
      outShape[last] = (outShape[last] as number) * size;
      out.forEach((o, i) => {
        o[last] = strides[i]?.[d] as number;
      });
    } else {
      outShape.push(size);
      out.forEach((o, i) => {
        o.push(strides[i]?.[d] as number);
      });
    }
  }
  if (outShape.length === 0) return { shape: [1], inputs: strides.map(() => [0]) };
  return { shape: outShape, inputs: out };
}
