/**
 * GFLOP/s of convolutions on a CPU driver, kernel by kernel: `npx tsx --conditions=@initlab/source
 * bench/kernels/software-conv.ts [--batch 8,32] [--only REGEX] [--rounds 7] [--all] [--csv]`. The least of several
 * rounds is shown with the median beside it, as other work may share the cores. `--all` times every candidate.
 */
import { parseArgs } from 'node:util';
import {
  type Conv2dDirection,
  type Conv2dProblem,
  conv2dCandidates,
  conv2dFlops,
  conv2dOutputSize,
  type Plan,
  showConv2d,
} from '@initlab/kernels';
import { openRawGpu } from '../../test/support/raw-gpu.js';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '8' },
    only: { type: 'string', default: '.' },
    rounds: { type: 'string', default: '7' },
    all: { type: 'boolean', default: false },
    csv: { type: 'boolean', default: false },
  },
});

/** [input channels, output channels, size, kernel, stride] of ResNet-20, simple-cnn and a VGG. */
const shapes: readonly (readonly [number, number, number, number, number])[] = [
  [3, 16, 32, 3, 1],
  [3, 64, 32, 3, 1],
  [16, 16, 32, 3, 1],
  [16, 32, 32, 3, 2],
  [16, 32, 32, 1, 2],
  [16, 32, 16, 3, 1],
  [32, 32, 16, 3, 1],
  [32, 64, 16, 3, 2],
  [32, 64, 16, 1, 2],
  [64, 64, 8, 3, 1],
  [128, 128, 16, 3, 1],
  [256, 256, 8, 3, 1],
];

const gpu = await openRawGpu({ bake: true });
const only = new RegExp(options.only);
console.log(`adapter ${gpu.target.adapter}; ${new Date().toISOString()}; ${options.rounds} rounds`);
for (const batch of options.batch.split(',').map(Number))
  for (const [inChannels, outChannels, size, kernel, stride] of shapes) {
    const problem: Conv2dProblem = {
      batch,
      inChannels,
      inHeight: size,
      inWidth: size,
      outChannels,
      kernelHeight: kernel,
      kernelWidth: kernel,
      stride: [stride, stride],
      padding: [kernel >> 1, kernel >> 1],
      dilation: [1, 1],
      groups: 1,
      dtype: 'f32',
      bias: false,
    };
    for (const direction of ['forward', 'gradInput', 'gradWeight'] as const) {
      const candidates = conv2dCandidates(problem, direction, gpu.target);
      for (const plan of options.all ? candidates : candidates.slice(0, 1))
        if (only.test(`${showConv2d(problem)} ${direction} ${plan.variant}`)) await row(problem, direction, plan);
    }
  }
process.exit(0);

async function row(problem: Conv2dProblem, direction: Conv2dDirection, plan: Plan): Promise<void> {
  const [height, width] = conv2dOutputSize(problem);
  const image = problem.batch * problem.inChannels * problem.inHeight * problem.inWidth * 4;
  const result = problem.batch * problem.outChannels * height * width * 4;
  const filter = problem.outChannels * problem.inChannels * problem.kernelHeight * problem.kernelWidth * 4;
  const sizes = { x: image, dx: image, y: result, dy: result, weight: filter, dw: filter };
  const flops = conv2dFlops(problem);
  // Rounds of about 30 ms each.
  const once = await gpu.time(plan, sizes, 1);
  const repeats = Math.max(1, Math.min(50, Math.round(0.03 / once)));
  const times: number[] = [];
  for (let i = 0; i < Number(options.rounds); i++) times.push((await gpu.time(plan, sizes, repeats)) / repeats);
  times.sort((a, b) => a - b);
  const rate = (seconds: number): string => (flops / seconds / 1e9).toFixed(1);
  const [best = 0, median = 0] = [times[0], times[times.length >> 1]];
  const cells = [showConv2d(problem), direction, (best * 1e3).toFixed(2), rate(best), rate(median), plan.variant];
  console.log(
    options.csv
      ? cells.join(',')
      : `${(cells[0] as string).padEnd(28)} ${direction.padEnd(10)} ${(cells[2] as string).padStart(8)} ms ${(cells[3] as string).padStart(6)} GFLOP/s (median ${cells[4]}) ${plan.variant}`,
  );
}
