import { ceilDiv, dispatch, linearGroups, read, readWrite, rolls } from '../../kernel.js';
import type { Dispatch, Target } from '../../plan.js';
import { showTile } from '../../tile-rules.js';
import type { Conv2dPlan } from '../shared/conv2d-plan.js';
import { type Epilogue, epilogueAbout, epilogueBindings, epilogueName, epilogueSlots, storedType } from '../shared/epilogue.js';
import { type GatherPhase, planGatheredProduct } from '../shared/gather-plan.js';
import { biasOf, type Conv2dProblem, type ImageDirection } from '../shared/problem.js';
import { type GatherCode, gatherCode } from './gather.wgsl.js';
import { type GemmChoice, tileAbout } from './tile.js';

/** Forward and input gradient as a tiled matrix product of f32 sums; `planGatheredProduct` says how it is laid out. */
export function planGatherGemm(
  problem: Conv2dProblem,
  direction: ImageDirection,
  { choice, target, epilogue = {} }: { choice: GemmChoice; target: Target; epilogue?: Epilogue | undefined },
): Conv2dPlan {
  return planGatheredProduct(problem, direction, {
    cut: { splits: choice.splits, tile: choice.tile, columns: 4, epilogue },
    target,
    variant: gatherVariant(problem, direction, choice),
    multiply: (phase) => multiply({ problem, direction, choice, epilogue }, phase, target),
  });
}

function gatherVariant(problem: Conv2dProblem, direction: ImageDirection, { tile, splits }: GemmChoice): string {
  const vector = (problem.inChannels / problem.groups) % 4 === 0 && (problem.outChannels / problem.groups) % 4 === 0;
  return `conv2d-${direction}-gemm-${showTile(tile)}${vector ? '-v4' : ''}${splits > 1 ? `-split${splits}` : ''}`;
}

interface Multiply {
  readonly problem: Conv2dProblem;
  readonly direction: ImageDirection;
  readonly choice: GemmChoice;
  readonly epilogue: Epilogue;
}

function multiply({ problem, direction, choice, epilogue }: Multiply, phase: GatherPhase, target: Target): Dispatch {
  const { inner, outer, phased, rows, flops, slots, scalars } = phase;
  const { tile, splits } = choice;
  const { dtype, groups } = problem;
  const split = splits > 1;
  const bias = !split && biasOf(problem, direction);
  const code: GatherCode = {
    tile,
    dtype,
    stored: storedType(problem, epilogue),
    epilogue,
    phased,
    single: problem.kernelHeight * problem.kernelWidth === 1,
    bias,
    parts: split,
    vectorIn: inner % 4 === 0,
    vectorOut: outer % 4 === 0,
    rolled: rolls(target),
  };
  const out = split ? 'f32' : code.stored;
  return dispatch(target, {
    family: `conv2d-${direction}-gemm`,
    key: code,
    show: { tile: showTile, epilogue: epilogueName },
    about: `A tiled matrix product: rows are result pixels, columns result channels, the depth taps and source channels (channels fastest).
source and result lie NHWC; filters lie [group][tap][source channel][result channel].
${tileAbout(tile)} every ${tile.m / tile.threadM}-th row and every ${tile.n / tile.threadN}-th vector of 4 columns.
tileA holds [row][depth], tileB [depth][column], as vectors of 4. Barriers: tiles are complete before they are read, and read before they are overwritten.
${epilogueAbout(epilogue)}`,
    bindings: [
      read('source', code.vectorIn ? `vec4<${dtype}>` : dtype),
      read('filters', `vec4<${dtype}>`),
      ...(bias ? [read('bias', bias)] : []),
      readWrite('result', code.vectorOut ? `vec4<${out}>` : out),
      ...epilogueBindings(problem, epilogue),
    ],
    slots: { ...slots, ...epilogueSlots(epilogue) },
    bake: 'shared',
    scalars,
    flops,
    workgroups: linearGroups(ceilDiv(rows, tile.m) * ceilDiv(outer, tile.n) * groups * splits, target),
    code: gatherCode,
  });
}
