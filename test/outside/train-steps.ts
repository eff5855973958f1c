import { backward, compile, crossEntropy, Generator, openDevice, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { SGD } from '@initlab/nn';

/** A few training steps of a small CNN; the same module runs in Node and in a page. */
export async function run(): Promise<{ adapter: string; losses: number[]; gradient: number[] }> {
  const device = await openDevice({ adapterKernels: () => import('@initlab/core/adapter-kernels') });
  const generator = new Generator(3);
  const model = createModel('cnn2-16', { numClasses: 10, device, generator });
  const images = tensor(
    Float32Array.from({ length: 2 * 3072 }, () => generator.normal()),
    { shape: [2, 3, 32, 32], device },
  );
  const labels = tensor(Int32Array.of(1, 7), { dtype: 'i32', device });
  const parameters = model.parameters();
  const optimizer = new SGD(parameters, { lr: 0.01, momentum: 0.9 });
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
  const losses: number[] = [];
  for (let i = 0; i < 20; i++) losses.push(await step().item());
  const gradient = [...((await parameters[0]?.grad?.read()) ?? [])].slice(0, 8);
  const { adapter } = device.caps;
  device.close();
  return { adapter, losses, gradient };
}
