import { conv2dCandidates, conv2dOutputSize, type Plan } from '@initlab/kernels';
import fc from 'fast-check';
import { beforeAll, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dOnCpu } from './support/conv2d-cpu.js';
import { conv2dGeometry } from './support/conv2d-geometry.js';
import { conv2dArrays, conv2dProblem, directions, runConv2d } from './support/conv2d-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

/** The families for every adapter, and the tile that a software driver compiles quickly. */
const generic = ({ variant }: Plan): boolean => /direct|depthwise|gemm-64x16x16/.test(variant);

it('agrees with float64 on random problems', async () => {
  const few = fc.integer({ min: 1, max: 9 });
  const problems = fc
    .record({ ...conv2dGeometry, groups: fc.integer({ min: 1, max: 4 }), groupIn: few, groupOut: few })
    .map(({ groupIn, groupOut, ...rest }) =>
      conv2dProblem({ ...rest, inChannels: groupIn * rest.groups, outChannels: groupOut * rest.groups }),
    )
    .filter((problem) => conv2dOutputSize(problem).every((size) => size >= 1));
  await fc.assert(
    fc.asyncProperty(problems, async (problem) => {
      const arrays = conv2dArrays(problem, 11);
      for (const direction of directions) {
        const expected = conv2dOnCpu(problem, direction, arrays);
        for (const plan of conv2dCandidates(problem, direction, gpu.target).filter(generic))
          expect(differs(plan.variant, await runConv2d(gpu, { problem, direction, plan, arrays }), expected)).toBe('');
      }
    }),
    { numRuns: 60, seed: 20 },
  );
});
