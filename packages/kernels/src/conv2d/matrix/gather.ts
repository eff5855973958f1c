import { ceilDiv, dispatch, linearGroups } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { octetElement, octetWidth } from '../../subgroup-matrix/product.wgsl.js';
import { type MatrixShape, matrixAbout, showMatrixShape, showShape } from '../../subgroup-matrix/tile.js';
import { matrixUses } from '../../subgroup-matrix/unit.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueAbout, epilogueText } from '../shared/epilogue.js';
import { type GatherPhase, planGatheredProduct } from '../shared/gather-plan.js';
import type { Conv2dProblem, ImageDirection } from '../shared/problem.js';
import { type MatrixGatherCode, matrixGatherCode } from './gather.wgsl.js';

/** A way to compute a product on matrix units: tile, unit, and the parts the depth is cut into. */
export interface MatrixChoice extends MatrixShape {
  readonly splits: number;
}

/** Forward and input gradient of a dense convolution on matrix units, operands as halves; `planGatheredProduct` says how it is laid out. */
export function planMatrixGather(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { choice, target, epilogue = {} }: { choice: MatrixChoice; target: Target; epilogue?: Epilogue | undefined },
): Conv2dPlan {
  return planGatheredProduct(problem, direction, {
    cut: { splits: choice.splits, tile: choice.tile, columns: 8, epilogue },
    target,
    variant: matrixVariant(direction, choice),
    multiply: (phase) => multiply(`conv2d-${direction}-matrix`, choice, { phase, target }),
  });
}

export const matrixVariant = (direction: string, { splits, ...shape }: MatrixChoice): string =>
  `conv2d-${direction}-matrix-${showMatrixShape(shape)}${splits > 1 ? `-split${splits}` : ''}`;

function multiply(family: string, { splits, ...shape }: MatrixChoice, { phase, target }: { phase: GatherPhase; target: Target }): Dispatch {
  const { inner, outer, rows, flops, slots, scalars } = phase;
  const { tile } = shape;
  const code: MatrixGatherCode = { ...shape, ...phase.code, width: octetWidth(inner), vectorOut: outer % 4 === 0 };
  const { dtype, epilogue, width } = code;
  return dispatch(target, {
    family,
    key: code,
    show: { ...showShape, epilogue: epilogueText },
    about: `A matrix product on matrix units: rows are ${code.spread ? 'blocks of result pixels, 0 but for one' : 'result pixels'}, columns result channels, the depth taps and source channels (channels fastest).
source and result lie NHWC; filters lie [tap][source channel][result channel in eights].
${matrixAbout(shape)}
memory holds A [row][depth], then B [depth][column], in vectors of 8 halves, each line one vector longer than it fills (banks); later the results on their way out.
Barriers: operands are complete before they are loaded, and loaded before the next ones (or the results) overwrite them.
${epilogueAbout(epilogue)}`,
    uses: matrixUses,
    bindings: phase.bindings({ source: octetElement(dtype, width), filters: octetElement(dtype, 8) }),
    slots,
    scalars,
    flops,
    workgroups: linearGroups(ceilDiv(rows, tile.m) * ceilDiv(outer, tile.n) * splits, target),
    code: matrixGatherCode,
  });
}
