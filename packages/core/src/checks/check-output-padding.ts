import { OpError } from './errors.js';

/** Throws where more is asked for at the end than PyTorch gives. */
export function checkOutputPadding(
  op: string,
  outputPadding: readonly number[],
  { stride, dilation }: Readonly<Record<'stride' | 'dilation', readonly number[]>>,
): void {
  if (outputPadding.every((more, i) => more < Math.max(stride[i] as number, dilation[i] as number))) return;
  throw new OpError(op, `outputPadding ${outputPadding} must be below the stride ${stride} or the dilation ${dilation}`);
}
