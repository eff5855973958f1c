import { autocasting } from '../../op/autocast.js';
import type { Tensor } from '../../tensor/tensor.js';
import { cast } from './cast.js';

/** An f32 activation as mixed precision stores it. */
export const lowered = (x: Tensor): Tensor => (autocasting() && x.dtype === 'f32' ? cast(x, 'f16') : x);

/** An operand of what mixed precision computes in f32. */
export const lifted = (x: Tensor): Tensor => (autocasting() && x.dtype === 'f16' ? cast(x, 'f32') : x);

/** A parameter, which is f32, to meet activations of halves in an op that is made of others: as they are, but in mixed precision in f32. */
export const besides = (x: Tensor, parameter: Tensor): Tensor => (autocasting() ? parameter : cast(parameter, x.dtype));
