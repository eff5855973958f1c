import { type Plan, planFill, planPointwise, type Target } from '@initlab/kernels';
import { sizeOf, type TensorSpec } from '../../storage/spec.js';

/** What a product over nothing is: its bias in every row, else zeros. Slots: bias (if any), y with channels last in memory. */
export function planBiasRows({ y, bias }: { y: TensorSpec; bias: TensorSpec | undefined }, target: Target): Plan {
  const count = sizeOf(y.shape);
  if (!bias) return planFill({ count, value: 0, dtype: y.dtype }, target);
  const channels = sizeOf(bias.shape);
  const chain = {
    shape: [count / channels, channels],
    inputs: [{ dtype: bias.dtype, strides: [0, 1] }],
    steps: [],
    outputs: [{ value: { input: 0 }, dtype: y.dtype }],
  };
  const { dispatches, ...plan } = planPointwise(chain, target);
  const named = (slot: Plan['dispatches'][number]['slots'][number]) => (slot === 'x0' ? 'bias' : slot === 'y0' ? 'y' : slot);
  return { ...plan, dispatches: dispatches.map((d) => ({ ...d, slots: d.slots.map(named) })) };
}
