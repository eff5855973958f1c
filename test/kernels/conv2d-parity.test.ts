import { conv2dCandidates } from '@initlab/kernels';
import { beforeAll, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { loadOpParity } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { directions, generic, parityProblem, runConv2d } from './support/conv2d-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

const parity = loadOpParity();

it.each(parity.cases.filter((c) => c.op === 'conv2d'))('PyTorch’s $name', async (c) => {
  const { problem, arrays, expected } = parityProblem(c, parity);
  const wrong: string[] = [];
  for (const direction of directions) {
    const candidates = conv2dCandidates(problem, direction, gpu.target);
    expect(new Set(candidates.map((plan) => plan.variant)).size).toBe(candidates.length);
    for (const plan of candidates.filter(generic))
      wrong.push(differs(plan.variant, await runConv2d(gpu, { problem, direction, plan, arrays }), expected[direction]));
  }
  expect(wrong.filter(Boolean)).toEqual([]);
});
