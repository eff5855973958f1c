import { read, readWrite, single } from '../kernel.js';
import type { Plan, Target } from '../plan.js';
import { activate, type NormProblem, vectorWidth } from './problem.js';
import { type RowBody, rowMap } from './rows.wgsl.js';
import { deviationUnit, type NormKey, normKey, vectorsOf } from './vectors.js';

/** y = activation((x − mean) · rstd · weight + bias + residual). Slots: x, mean, rstd, weight?, bias?, residual? → y. */
export function planNormApply(problem: NormProblem, target: Target): Plan {
  const { affine, residual } = problem;
  const vec = vectorWidth(problem);
  const key = normKey(problem, vec);
  const v = vectorsOf(key);
  return single(
    rowMap(
      {
        family: 'norm-apply',
        key,
        bindings: [
          read('x', v.element),
          v.statisticBinding('mean'),
          v.statisticBinding('rstd'),
          ...(affine ? [v.parameterBinding('weight'), v.parameterBinding('bias')] : []),
          ...(residual ? [read('residual', v.element)] : []),
          readWrite('y', v.element),
        ],
        body: applyBody,
      },
      { problem, target },
    ),
  );
}

function applyBody(key: NormKey): RowBody {
  const v = vectorsOf(key);
  const { prologue, step } = normalise(key, v.statistic('mean'));
  return { prologue: `let spread = ${v.statistic('rstd')};\n  ${prologue}`, step };
}

/** The normalisation itself, of the channels' mean (an expression) and `spread`, 1 / their deviation. */
export function normalise(key: NormKey, mean: string): RowBody {
  const { affine, activation, residual } = key;
  const v = vectorsOf(key);
  const value = `fma(${v.type}(x[at]), unit, -centre) * scale${affine ? ' + shift' : ''}${residual ? ` + ${v.type}(residual[at])` : ''}`;
  return {
    prologue: `${deviationUnit(v.type, key)}
  let centre = ${mean} * unit;
  let scale = perUnit${affine ? ' * weight[c]' : ''};
  ${affine ? 'let shift = bias[c];' : ''}`,
    step: `var v = ${value};
    ${activation ? v.parts.map((part) => `v${part} = ${activate(activation, `v${part}`)};`).join(' ') : ''}
    y[at] = ${v.element}(v);`,
  };
}
