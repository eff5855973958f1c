import { pathToFileURL } from 'node:url';
import { backward, compile, crossEntropy, Generator, openDevice, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { findInitializer, modelDepth, SGD } from '@initlab/nn';

export interface DeepStep {
  readonly depth: number;
  readonly adapter: string;
  readonly loss: number;
  readonly dispatches: number;
  /** Largest sum of live device buffers so far, in bytes. */
  readonly peakBytes: number;
  /** Building and initialising the model, compiling the step, running it. */
  readonly seconds: { readonly build: number; readonly compile: number; readonly step: number };
}

/**
 * One compiled training step of a wide ResNet of width 1 with weight norm and any depth 6n + 4, batch 4: the depth
 * experiment of arXiv:1906.02341. Run as a program: `setarch -L npx tsx --conditions=@initlab/source bench/deep-wrn.ts 10000`
 * (docs/performance.md says why `setarch`).
 */
export async function deepStep(depth: number): Promise<DeepStep> {
  const device = await openDevice();
  const generator = new Generator(1);
  const seconds: number[] = [];
  let began = performance.now();
  const lap = (): void => {
    seconds.push((performance.now() - began) / 1e3);
    began = performance.now();
  };
  const arch = `wrn${depth}-1-reduced`;
  const model = createModel(arch, { numClasses: 10, norm: 'weight', device, generator });
  await findInitializer('wn-he-proposed').initialize(model, { arch, numClasses: 10, depth: modelDepth(model), generator });
  const optimizer = new SGD(model.parameters(), { lr: 0.01, momentum: 0.9 });
  lap();
  const images = tensor(
    Float32Array.from({ length: 4 * 3072 }, () => generator.normal()),
    { shape: [4, 3, 32, 32], device },
  );
  const labels = tensor(Int32Array.of(1, 2, 3, 4), { dtype: 'i32', device });
  const step = compile(
    () => {
      optimizer.zeroGrad();
      const loss = crossEntropy(model.forward(images), labels);
      backward(loss);
      optimizer.step();
      return loss;
    },
    { device },
  );
  await step.prepare();
  lap();
  const loss = await step().item();
  lap();
  const [build = 0, compiling = 0, running = 0] = seconds;
  const result = {
    depth,
    adapter: device.caps.adapter,
    loss,
    dispatches: step.stats().dispatches,
    peakBytes: device.memory.peakBytes,
    seconds: { build, compile: compiling, step: running },
  };
  device.close();
  return result;
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  process.stdout.write(`${JSON.stringify(await deepStep(Number(process.argv[2] ?? 1000)))}\n`);
  process.exit();
}
