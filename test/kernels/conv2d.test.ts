import { type Conv2dProblem, conv2dCandidates, gemmTiles, type Plan, planDirect, type Target } from '@initlab/kernels';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Bound, differs, parityBound } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dArrays, conv2dProblem, directions, generic, runConv2d, smallTile } from './support/conv2d-run.js';

let gpu: RawGpu;
let uniforms: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
  uniforms = await openRawGpu({ immediates: false });
});

const tiled = /gemm/;

/** Runs the candidates that `pick` takes, all three products, against float64; says what differs. */
async function check(
  problem: Conv2dProblem,
  {
    pick,
    on = gpu,
    target = on.target,
    bound = parityBound,
  }: { pick: (plan: Plan) => boolean; on?: RawGpu; target?: Target; bound?: Bound },
): Promise<string[]> {
  const arrays = conv2dArrays(problem, 11);
  const wrong: string[] = [];
  for (const direction of directions) {
    const expected = conv2dOnCpu(problem, direction, arrays);
    for (const plan of conv2dCandidates(problem, direction, target).filter(pick))
      wrong.push(differs(plan.variant, await runConv2d(on, { problem, direction, plan, arrays }), expected, bound));
  }
  return wrong.filter(Boolean);
}

describe('tiles', () => {
  // One problem whose channels come in vectors and one whose do not; neither fills a tile.
  it.each([
    ['vectors', gemmTiles, { batch: 2, inChannels: 12, outChannels: 20, inHeight: 7, inWidth: 9 }],
    // Columns one by one are too many for an 8×8 block.
    [
      'odd channels',
      gemmTiles.filter((t) => t.threadM * t.threadN <= 32),
      { batch: 1, inChannels: 5, outChannels: 7, inHeight: 9, inWidth: 8 },
    ],
  ])('every tile, %s', async (_, tiles, sizes) => {
    const problem = conv2dProblem({ ...sizes, kernelHeight: 3, kernelWidth: 3, padding: [1, 1] });
    const names = directions.flatMap((direction) => conv2dCandidates(problem, direction, gpu.target).map((plan) => plan.variant));
    expect(names.filter((name) => tiled.test(name)).length).toBe(tiles.length * directions.length);
    expect(await check(problem, { pick: ({ variant }) => tiled.test(variant) && !smallTile.test(variant) })).toEqual([]);
  });

  it('whole tiles, whose entries are not tested', async () => {
    const sizes = { batch: 2, inChannels: 32, outChannels: 32, inHeight: 8, inWidth: 8 };
    for (const problem of [conv2dProblem(sizes), conv2dProblem({ ...sizes, kernelHeight: 3, kernelWidth: 3, padding: [1, 1] })])
      expect(await check(problem, { pick: ({ variant }) => variant.includes('gemm-32x32x') })).toEqual([]);
  });

  it('loads on their way together, as a GPU unrolls them', async () => {
    const target = { ...gpu.target, software: false, rolled: false };
    const sizes = { batch: 2, inChannels: 16, outChannels: 16, inHeight: 16, inWidth: 16 };
    const problem = conv2dProblem({ ...sizes, kernelHeight: 1, kernelWidth: 3, padding: [0, 1] });
    const pick = ({ variant }: Plan): boolean => variant.includes('forward-window');
    expect(conv2dCandidates(problem, 'forward', target).some(pick)).toBe(true);
    expect(await check(problem, { pick, target })).toEqual([]);
  }, 120_000);

  it('several workgroups each way, several parts', async () => {
    const problem = conv2dProblem({
      batch: 3,
      inChannels: 36,
      outChannels: 40,
      inHeight: 8,
      inWidth: 8,
      kernelHeight: 3,
      kernelWidth: 3,
      padding: [1, 1],
    });
    const pick = ({ variant }: Plan): boolean => smallTile.test(variant);
    for (const direction of directions)
      expect(conv2dCandidates(problem, direction, gpu.target).filter(pick)[0]?.variant).toMatch(/split\d+/);
    expect(await check(problem, { pick })).toEqual([]);
  });
});

const anyButLarge = ({ variant }: Plan): boolean => !tiled.test(variant) || smallTile.test(variant);

describe('sizes', () => {
  it.each<[string, Partial<Conv2dProblem>]>([
    ['one element', {}],
    ['one pixel inside much padding', { kernelHeight: 3, kernelWidth: 3, padding: [2, 2], bias: true }],
    ['kernel as large as the image', { inChannels: 4, outChannels: 4, inHeight: 5, inWidth: 4, kernelHeight: 5, kernelWidth: 4 }],
    [
      'stride larger than the kernel',
      { inChannels: 3, outChannels: 2, inHeight: 9, inWidth: 10, kernelHeight: 2, kernelWidth: 1, stride: [3, 4] },
    ],
    [
      'stride and dilation that share a factor',
      {
        inChannels: 4,
        outChannels: 8,
        inHeight: 11,
        inWidth: 13,
        kernelHeight: 3,
        kernelWidth: 2,
        stride: [4, 2],
        dilation: [2, 3],
        padding: [3, 1],
      },
    ],
    [
      'more phases than the tiled input gradient takes',
      { inChannels: 2, outChannels: 3, inHeight: 12, inWidth: 12, kernelHeight: 6, kernelWidth: 6, stride: [6, 6] },
    ],
    [
      'a 1×1 kernel that skips pixels, in blocks that the image cuts off',
      { batch: 2, inChannels: 8, outChannels: 12, inHeight: 7, inWidth: 10, stride: [2, 3] },
    ],
    [
      'the same of odd channels in groups, padded',
      { batch: 2, inChannels: 6, outChannels: 9, groups: 3, inHeight: 8, inWidth: 7, stride: [3, 2], padding: [2, 1] },
    ],
    ['the same of more pixels than a phase a pixel could be', { inChannels: 4, outChannels: 8, inHeight: 11, inWidth: 12, stride: [5, 6] }],
    ['pixels that no tap meets at all', { inChannels: 4, outChannels: 8, inHeight: 1, inWidth: 3, stride: [2, 2], padding: [1, 0] }],
    [
      'columns no output reaches',
      { inChannels: 4, outChannels: 4, inHeight: 8, inWidth: 8, kernelHeight: 3, kernelWidth: 3, stride: [3, 3] },
    ],
    [
      'depthwise, seven channels to fourteen, strided',
      {
        inChannels: 7,
        outChannels: 14,
        groups: 7,
        inHeight: 9,
        inWidth: 6,
        kernelHeight: 3,
        kernelWidth: 4,
        stride: [2, 3],
        padding: [1, 2],
        bias: true,
      },
    ],
    [
      'depthwise, dilated 5×5',
      {
        inChannels: 8,
        outChannels: 8,
        groups: 8,
        inHeight: 11,
        inWidth: 10,
        kernelHeight: 5,
        kernelWidth: 5,
        dilation: [2, 1],
        padding: [4, 0],
        bias: true,
      },
    ],
  ])('%s', async (_, parts) => {
    expect(await check(conv2dProblem(parts), { pick: anyButLarge })).toEqual([]);
  });

  const strided = conv2dProblem({
    batch: 2,
    inChannels: 8,
    outChannels: 12,
    inHeight: 9,
    inWidth: 10,
    kernelHeight: 3,
    kernelWidth: 3,
    stride: [2, 2],
    padding: [1, 1],
    bias: true,
  });
  /** The shortcut beside it: a kernel that skips pixels. */
  const shortcut: Conv2dProblem = { ...strided, kernelHeight: 1, kernelWidth: 1, padding: [0, 0] };
  const depthwise = conv2dProblem({
    batch: 2,
    inChannels: 8,
    outChannels: 8,
    groups: 8,
    inHeight: 9,
    inWidth: 10,
    kernelHeight: 3,
    kernelWidth: 3,
    stride: [2, 1],
    padding: [1, 1],
    bias: true,
  });

  it('grids spread over two dimensions', async () => {
    for (const problem of [strided, depthwise])
      expect(await check(problem, { pick: anyButLarge, target: { ...gpu.target, maxWorkgroups: 5 } })).toEqual([]);
  });

  it('sizes passed as uniforms', async () => {
    for (const problem of [strided, depthwise])
      expect(await check(problem, { pick: ({ variant }) => !tiled.test(variant), on: uniforms })).toEqual([]);
    for (const problem of [{ ...strided, stride: [1, 1] as const }, shortcut])
      expect(await check(problem, { pick: generic, on: uniforms })).toEqual([]);
  });

  it('sizes baked into the code, as a GPU gets it', async () => {
    const target = { ...gpu.target, bake: true, software: false };
    const dense = conv2dProblem({
      inChannels: 4,
      outChannels: 8,
      inHeight: 6,
      inWidth: 5,
      kernelHeight: 1,
      kernelWidth: 2,
      padding: [0, 1],
      bias: true,
    });
    const pick = ({ variant }: Plan): boolean => /direct|depthwise|gemm-256x16/.test(variant);
    expect(await check(dense, { pick, target })).toEqual([]);
    expect(await check({ ...dense, groups: 4, outChannels: 4 }, { pick, target })).toEqual([]);
    expect(await check(shortcut, { pick: ({ variant }) => smallTile.test(variant), target })).toEqual([]);
  });

  it('the code a GPU gets is valid for every tile, type and channel count', async () => {
    const seen = new Set<string>();
    const types = [{ dtype: 'f32' }, { dtype: 'f16' }, { dtype: 'f16', weightDtype: 'f32' }] as const;
    for (const dtypes of gpu.target.f16 ? types : types.slice(0, 1))
      for (const channels of [8, 7])
        for (const parts of [strided, shortcut, { ...strided, stride: [1, 1] as const }])
          for (const direction of directions)
            for (const plan of conv2dCandidates({ ...parts, ...dtypes, inChannels: channels, outChannels: channels }, direction, {
              ...gpu.target,
              software: false,
            }))
              for (const { kernel } of plan.dispatches) {
                if (seen.has(kernel.name)) continue;
                seen.add(kernel.name);
                const info = await gpu.device.createShaderModule({ code: kernel.source() }).getCompilationInfo();
                expect(info.messages.filter((m) => m.type === 'error').map((m) => `${kernel.name}: ${m.message}`)).toEqual([]);
              }
    expect(seen.size).toBeGreaterThan(100);
  });

  it('more than 65,535 workgroups', async () => {
    const problem = conv2dProblem({ inHeight: 2051, inWidth: 2049, kernelWidth: 2 });
    const arrays = conv2dArrays(problem, 3);
    for (const direction of ['forward', 'gradInput'] as const) {
      const plan = planDirect(problem, direction, gpu.target);
      expect((plan.dispatches[0] as Plan['dispatches'][number]).workgroups[1]).toBeGreaterThan(1);
      expect(differs(direction, await runConv2d(gpu, { problem, direction, plan, arrays }), conv2dOnCpu(problem, direction, arrays))).toBe(
        '',
      );
    }
  });

  it('half precision storage', async () => {
    if (!gpu.target.f16) return;
    // Results are rounded to half once; sums are single precision.
    const bound: Bound = { absolute: 1e-6, relative: 1e-3 };
    for (const problem of [
      strided,
      shortcut,
      depthwise,
      conv2dProblem({ inChannels: 3, outChannels: 5, inHeight: 6, inWidth: 5, kernelHeight: 3, kernelWidth: 3 }),
    ])
      for (const weightDtype of ['f16', 'f32'] as const)
        for (const bias of [false, true])
          expect(
            await check(
              { ...problem, dtype: 'f16', weightDtype, bias },
              { pick: bias && weightDtype === 'f16' ? anyButLarge : generic, bound },
            ),
          ).toEqual([]);
  });
});
