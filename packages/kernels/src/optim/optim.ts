import { ceilDiv, dispatch, f32, linearGroups, read, readWrite, type Scalars, u32 } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { flatPieces } from './pieces.js';

/**
 * Numbers of an update that change from step to step, in the small buffer `hyper`:
 * lr, weight decay, 1 − β₁ᵗ, √(1 − β₂ᵗ), 1 at the first step else 0, factor of the gradient.
 */
export const hyperNames = ['lr', 'weightDecay', 'bias1', 'bias2Root', 'first', 'gradScale'] as const;

/** The part of an optimiser that its kernel is written for: the method, and which of its terms there are. */
export type OptimizerRule =
  | { readonly kind: 'sgd'; readonly momentum: number; readonly dampening: number; readonly nesterov: boolean }
  | { readonly kind: 'adam' | 'adamw'; readonly beta1: number; readonly beta2: number; readonly eps: number };

/**
 * One optimiser step over a flat buffer. Slots: param (rw), grad, hyper, then `momentum` (rw; SGD with momentum) or
 * `m`, `v` (rw; Adam). With `scaled`, `lossScale` (see `lossScaleNames`): gradients are unscaled, and where they are not
 * finite nothing changes. Formulas and their order as PyTorch's.
 */
export function planOptimizer(rule: OptimizerRule, { size, scaled = false }: { size: number; scaled?: boolean }, target: Target): Plan {
  const state = rule.kind !== 'sgd' ? ['m', 'v'] : rule.momentum !== 0 ? ['momentum'] : [];
  const scalars = (vectors: number): Scalars =>
    rule.kind === 'sgd'
      ? { vectors: u32(vectors), keep: f32(rule.momentum), dampening: f32(rule.dampening) }
      : {
          vectors: u32(vectors),
          beta1: f32(rule.beta1),
          beta2: f32(rule.beta2),
          rest1: f32(1 - rule.beta1),
          rest2: f32(1 - rule.beta2),
          eps: f32(rule.eps),
        };
  const name = `optim-${rule.kind}${rule.kind === 'sgd' ? `${rule.momentum !== 0 ? '-momentum' : ''}${rule.nesterov ? '-nesterov' : ''}` : ''}${scaled ? '-scaled' : ''}`;
  return {
    variant: name,
    temporaries: [],
    dispatches: flatPieces(size, target).map(({ elements, of }) => {
      const vectors = ceilDiv(elements, 4);
      return dispatch(target, {
        family: 'optim',
        about:
          'Parameters, gradients and moments lie alike, flat. An invocation owns four neighbours. hyper: what the host writes before each step. No barriers.',
        key: {
          kind: rule.kind,
          momentum: rule.kind === 'sgd' && rule.momentum !== 0,
          nesterov: rule.kind === 'sgd' && rule.nesterov,
          scaled,
        },
        bindings: [
          readWrite('param', 'vec4<f32>'),
          read('grad', 'vec4<f32>'),
          read('hyper'),
          ...state.map((slot) => readWrite(slot, 'vec4<f32>')),
          ...(scaled ? [read('lossScale')] : []),
        ],
        slots: Object.fromEntries(['param', 'grad', ...state].map((slot) => [slot, of(slot)])),
        scalars: scalars(vectors),
        workgroups: linearGroups(ceilDiv(vectors, 64), target),
        code: ({ kind, momentum, nesterov, scaled }) => `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.vectors) { return; }
  let lr = hyper[0];
  let decay = hyper[1];
  var w = param[i];
  ${scaled ? 'if (lossScale[2] != 0.0) { return; }' : ''}
  ${scaled ? '// One after the other: the product of the two small factors could vanish.' : ''}
  var g = grad[i] * ${scaled ? 'lossScale[1] * ' : ''}hyper[5];
  ${kind === 'sgd' ? sgd({ momentum, nesterov }) : adam(kind)}
}`,
      });
    }),
  };
}

const sgd = (rule: { momentum: boolean; nesterov: boolean }): string => `
  g = fma(w, vec4f(decay), g);
  ${
    !rule.momentum
      ? ''
      : `// The first step's buffer is the gradient itself, whatever the dampening.
  let b = select(fma(momentum[i], vec4f(p.keep), g * (1.0 - p.dampening)), g, hyper[4] == 1.0);
  momentum[i] = b;
  g = ${rule.nesterov ? 'fma(b, vec4f(p.keep), g)' : 'b'};`
  }
  param[i] = w - lr * g;`;

const adam = (kind: 'adam' | 'adamw'): string => `
  ${kind === 'adamw' ? 'w = w * (1.0 - lr * decay);' : 'g = fma(w, vec4f(decay), g);'}
  let m1 = fma(m[i], vec4f(p.beta1), g * p.rest1);
  let v1 = fma(v[i], vec4f(p.beta2), g * g * p.rest2);
  m[i] = m1;
  v[i] = v1;
  param[i] = w - (lr / hyper[2]) * m1 / (sqrt(v1) / hyper[3] + p.eps);`;
