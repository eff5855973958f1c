import { type GemmChoice, tileAbout } from '../../gemm/tile.js';
import { ceilDiv, dispatch, linearGroups, rolls } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { showTile } from '../../tile-rules.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueAbout, epilogueText } from '../shared/epilogue.js';
import { type GatherPhase, planGatheredProduct } from '../shared/gather-plan.js';
import type { Conv2dDirection, Conv2dProblem, ImageDirection } from '../shared/problem.js';
import { type GemmGatherCode, gatherCode } from './gather.wgsl.js';

/** Forward and input gradient as a tiled matrix product of f32 sums; `planGatheredProduct` says how it is laid out. */
export function planGatherGemm(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { choice, target, epilogue = {} }: { choice: GemmChoice; target: Target; epilogue?: Epilogue | undefined },
): Conv2dPlan {
  return planGatheredProduct(problem, direction, {
    cut: { splits: choice.splits, tile: choice.tile, columns: 4, epilogue },
    target,
    variant: gemmVariant(problem, direction, choice),
    multiply: (phase) => multiply(`conv2d-${direction}-gemm`, choice, { phase, groups: problem.groups, target }),
  });
}

/** Name of a convolution's product by tiles; a weight gradient is in parts always. */
export function gemmVariant(problem: Conv2dProblem, direction: Conv2dDirection, { tile, splits }: GemmChoice): string {
  const vector = (problem.inChannels / problem.groups) % 4 === 0 && (problem.outChannels / problem.groups) % 4 === 0;
  const parts = splits > 1 || direction === 'gradWeight' ? `-split${splits}` : '';
  return `conv2d-${direction}-gemm-${showTile(tile)}${vector ? '-v4' : ''}${parts}`;
}

function multiply(
  family: string,
  { tile, splits }: GemmChoice,
  { phase, groups, target }: { phase: GatherPhase; groups: number; target: Target },
): Dispatch {
  const { inner, outer, rows, flops, slots, scalars } = phase;
  const whole = inner % tile.k === 0 && outer % tile.n === 0;
  const code: GemmGatherCode = { tile, ...phase.code, vectorIn: inner % 4 === 0, vectorOut: outer % 4 === 0, whole, rolled: rolls(target) };
  const { dtype, epilogue } = code;
  return dispatch(target, {
    family,
    key: code,
    show: { tile: showTile, epilogue: epilogueText },
    about: `A tiled matrix product: rows are ${code.spread ? 'blocks of result pixels, 0 but for one' : 'result pixels'}, columns result channels, the depth taps and source channels (channels fastest).
source and result lie NHWC; filters lie [group][tap][source channel][result channel].
${tileAbout(tile)} every ${tile.m / tile.threadM}-th row and every ${tile.n / tile.threadN}-th vector of 4 columns.
tileA holds [row][depth], tileB [depth][column], as vectors of 4. Barriers: tiles are complete before they are read, and read before they are overwritten.
${epilogueAbout(epilogue)}`,
    bindings: phase.bindings({ source: code.vectorIn ? `vec4<${dtype}>` : dtype, filters: `vec4<${dtype}>` }),
    slots,
    bake: 'shared',
    scalars,
    flops,
    workgroups: linearGroups(ceilDiv(rows, tile.m) * ceilDiv(outer, tile.n) * groups * splits, target),
    code: gatherCode,
  });
}
