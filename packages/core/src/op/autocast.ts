import { checkBody } from '../checks/check-arguments.js';
import { ModeStack } from '../record/mode-stack.js';

const active = new ModeStack(false);

/** Whether ops are made in mixed precision now. */
export const autocasting = (): boolean => active.value;

/**
 * Run `body` in mixed precision (PyTorch's `torch.autocast`): convolutions take and give f16 activations, with f32 sums,
 * weights and weight gradients; norms and pointwise ops keep what they get, with f32 statistics; linear layers, softmax, losses,
 * powers (`square`, `pow`, x · x), `rsqrt`, `reciprocal`, `exp`, `log` and `softplus` take f32; sums, means and variances give f32;
 * operands of two types meet in f32. Outside it f16 and f32 do not meet by themselves. An async body has it until it settles.
 * `compile(body, { precision: 'mixed' })` does it where the adapter has f16, so use that for a training step.
 */
export const autocast = <T>(body: () => T): T => {
  checkBody('autocast', body);
  return active.during(true, body);
};
