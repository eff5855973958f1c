import { planNonFinite } from '@initlab/kernels';
import { checkBody } from '../checks/check-arguments.js';
import { AnomalyError, showShape } from '../checks/errors.js';
import { type Device, defaultDevice } from '../gpu/device.js';
import { type Observed, observed } from '../op/observe.js';
import { apply, defineOp } from '../op/op.js';
import { floatType, sizeOf } from '../storage/spec.js';
import { zeros } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';

/** Op outputs watched in one anomaly run; later ones go unwatched. */
const capacity = 65536;

const nonFiniteOp = defineOp<{ index: number }>()({
  name: 'nonFinite',
  inputs: ['x', 'flags'],
  outputs: [],
  mutates: ['flags'],
  infer: () => ({}),
  plan: ({ inputs: { x }, attrs, target }) =>
    planNonFinite({ size: sizeOf(x.shape), dtype: floatType(x.dtype), index: attrs.index }, target),
});

/**
 * Run `body` with every op's outputs checked for NaN and infinities, forward and backward (PyTorch's `detect_anomaly`).
 * Throws `AnomalyError` naming the first op whose output was not finite. Slow: meant for finding, not for training.
 * Compile inside `body` to look into a compiled step.
 */
export async function detectAnomaly<T>(body: () => T | Promise<T>, options: { device?: Device } = {}): Promise<T> {
  checkBody('detectAnomaly', body);
  const flags = zeros([capacity], { dtype: 'u32', device: options.device ?? defaultDevice() });
  const seen: string[] = [];
  const look = (ran: Observed): void => {
    if (ran.op === nonFiniteOp.name) return;
    for (const output of ran.outputs) watch(output, ran, flags, seen);
  };
  let result: T;
  try {
    result = await observed(look, body);
  } catch (error) {
    flags.dispose();
    throw error;
  }
  const found = await flags.read();
  flags.dispose();
  const index = found.findIndex((flag) => flag !== 0);
  if (index < 0) return result;
  const what = ((found[index] as number) & 1) === 1 ? 'NaN' : 'an infinity';
  const name = seen[index] as string;
  throw new AnomalyError(name.split(' ')[0] ?? name, `anomaly: the first value that is not finite is ${what}, made by ${name}`);
}

function watch(output: Tensor, observed: Observed, flags: Tensor, seen: string[]): void {
  if (seen.length >= capacity || output.size === 0 || (output.dtype !== 'f32' && output.dtype !== 'f16')) return;
  const shapes = observed.inputs.flatMap((x) => (x ? [showShape(x.shape)] : [])).join(', ');
  const phase = observed.gradientOf ? ` in the gradient of ${observed.gradientOf}` : '';
  apply(nonFiniteOp, { x: output, flags }, { index: seen.length });
  seen.push(`${observed.op} (${shapes} → ${showShape(output.shape)})${phase}`);
}
