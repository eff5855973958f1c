import { OpError, type Tensor } from '@initlab/core';
import { checkFlags, checkNumber, checkOptions, optimizerUpdate, showShape } from '@initlab/core/internal';
import { adamRule } from './adam.js';
import { type Betas, checkBetas } from './check-betas.js';
import { orthogonalize } from './newton-schulz.js';
import { Optimizer } from './optimizer.js';
import type { ParameterGroup } from './parameter-groups.js';
import { elementwise, type UpdateMethod, type UpdateParts } from './update-method.js';

/** Parameters of `Muon` that share their rates. */
export interface MuonGroup extends ParameterGroup<MuonOptions> {
  /**
   * Default true: matrices, and filters as matrices [out, rest]. With false AdamW updates the group, at a rate of 3e-4 where it says none:
   * biases, norms, embeddings, the layer that gives the classes.
   */
  readonly useMuon?: boolean;
}

/** Options of `Muon`; defaults are its author's. */
export interface MuonOptions {
  /** Learning rate; `optimizer.lr` may be set later. Default 0.02. */
  readonly lr?: number;
  /** Share of the gradients' running mean that is kept. Default 0.95. */
  readonly momentum?: number;
  /** Look ahead along it. Default true. */
  readonly nesterov?: boolean;
  /** Decoupled, as AdamW's. Default 0. */
  readonly weightDecay?: number;
  /** Iterations of Newton and Schulz. Default 5. */
  readonly iterations?: number;
  /** Of the groups that AdamW updates. Default [0.9, 0.95]. */
  readonly adamBetas?: Betas;
  /** Of those, too. Default 1e-10. */
  readonly adamEps?: number;
}

const optionNames = ['lr', 'momentum', 'nesterov', 'weightDecay', 'iterations', 'adamBetas', 'adamEps'] as const;

/**
 * Muon (Jordan et al. 2024, kellerjordan.github.io/posts/muon): the momentum of each matrix, made nearly orthogonal, times
 * √max(1, rows / columns). For filters and the matrices between layers; `useMuon: false` marks the groups of all others.
 *
 * ```ts
 * new Muon([{ params: filters }, { params: others, useMuon: false, lr: 1e-3 }], { lr: 0.02 });
 * ```
 */
export class Muon extends Optimizer<MuonOptions & Pick<MuonGroup, 'useMuon'>> {
  constructor(params: readonly Tensor[] | readonly MuonGroup[], options: MuonOptions = {}) {
    checkOptions('Muon', options, optionNames);
    checkNumber('Muon', { lr: options.lr ?? 0.02 }, { above: 0 });
    super(params, options, { name: 'Muon', options: [...optionNames, 'useMuon'], lr: 0.02, method: muonOrAdam });
  }
}

function muonOrAdam(op: string, options: MuonOptions & Pick<MuonGroup, 'useMuon'>, params: readonly Tensor[]): UpdateMethod {
  const { momentum = 0.95, nesterov = true, iterations = 5, adamBetas = [0.9, 0.95], adamEps = 1e-10, useMuon = true } = options;
  checkNumber(op, { adamEps }, { from: 0 });
  checkNumber(op, { momentum }, { from: 0, below: 1 });
  checkNumber(op, { iterations }, { from: 1, whole: true });
  checkFlags(op, { nesterov, useMuon });
  const adam = elementwise(adamRule('adamw', { betas: checkBetas(op, adamBetas), eps: adamEps }));
  if (!useMuon) return { ...adam, lr: 3e-4 };
  const vector = params.find((p) => p.ndim < 2);
  if (vector)
    throw new OpError(
      'Muon',
      `takes matrices and filters, got a parameter ${showShape(vector.shape)}; give such ones in a group { params, useMuon: false }, which AdamW updates`,
    );
  return muonMethod({ momentum, nesterov, iterations });
}

interface MuonSettings {
  readonly momentum: number;
  readonly nesterov: boolean;
  readonly iterations: number;
}

/** Momentum and step are a dispatch each for all matrices; between them each is made orthogonal by itself, in `u`. */
function muonMethod({ momentum, nesterov, iterations }: MuonSettings): UpdateMethod {
  const moves = {
    name: 'muon-momentum',
    terms: { nesterov },
    moments: { b: 0, u: 0 },
    constants: { keep: momentum, rest: 1 - momentum },
    formulas: `b = fma(b, vec4f(p.keep), g * p.rest);
  u = ${nesterov ? 'fma(b, vec4f(p.keep), g * p.rest)' : 'b'};`,
  };
  const steps = { name: 'muon-step', moments: { u: 0 }, constants: {}, formulas: 'w = w * (1.0 - lr * decay) - lr * u;' };
  return {
    // Not SGD's buffer, which is a sum.
    rule: { moments: { mean: 0 } },
    extra: (flat) => [flat.moments('orthogonal momentum')],
    update: ({ param, grad, hyper, moments: [b], lossScale, flat, run, extra: [all] }: UpdateParts) => {
      if (!b || !all) return;
      const u = flat.part(all, run);
      optimizerUpdate(moves, { param, grad, hyper, moments: [b, u], lossScale });
      for (let i = run.from; i < run.to; i++) orthogonalize(flat.slot(all, i), iterations);
      optimizerUpdate(steps, { param, grad, hyper, moments: [u], lossScale });
    },
  };
}
