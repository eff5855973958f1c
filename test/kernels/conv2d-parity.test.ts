import { type Conv2dProblem, conv2dCandidates } from '@initlab/kernels';
import { beforeAll, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { loadOpParity, type ParityCase, parityFill } from '../support/parity-fill.js';
import { openRawGpu, type RawGpu } from '../support/raw-gpu.js';
import { conv2dProblem, directions, generic, runConv2d } from './support/conv2d-run.js';

let gpu: RawGpu;
beforeAll(async () => {
  gpu = await openRawGpu();
});

const parity = loadOpParity();

function parityProblem(c: ParityCase): Conv2dProblem {
  const shape = (name: string): readonly number[] => c.inputs.find((input) => input.name === name)?.shape ?? [];
  const [batch, inChannels, inHeight, inWidth] = shape('x');
  const [outChannels, , kernelHeight, kernelWidth] = shape('weight');
  const attrs = c.attrs as Pick<Conv2dProblem, 'stride' | 'padding' | 'dilation' | 'groups'>;
  return conv2dProblem({
    batch,
    inChannels,
    inHeight,
    inWidth,
    outChannels,
    kernelHeight,
    kernelWidth,
    ...attrs,
    bias: shape('bias').length > 0,
  });
}

it.each(parity.cases.filter((c) => c.op === 'conv2d'))('PyTorch’s $name', async (c) => {
  const problem = parityProblem(c);
  const values = (name: string): Float32Array | undefined => {
    const input = c.inputs.find((i) => i.name === name);
    return (
      input?.fill &&
      parityFill(
        input.shape.reduce((product, size) => product * size, 1),
        input.fill,
      )
    );
  };
  const y = parity.expected(`${c.name}/y`);
  const arrays = {
    x: values('x') as Float32Array,
    weight: values('weight') as Float32Array,
    bias: values('bias'),
    dy: parityFill(y.length, c.cotangent ?? { seed: 0 }),
  };
  const expected = { forward: y, gradInput: parity.expected(`${c.name}/grad/x`), gradWeight: parity.expected(`${c.name}/grad/weight`) };
  const wrong: string[] = [];
  for (const direction of directions) {
    const candidates = conv2dCandidates(problem, direction, gpu.target);
    expect(new Set(candidates.map((plan) => plan.variant)).size).toBe(candidates.length);
    for (const plan of candidates.filter(generic))
      wrong.push(differs(plan.variant, await runConv2d(gpu, { problem, direction, plan, arrays }), expected[direction]));
  }
  expect(wrong.filter(Boolean)).toEqual([]);
});
