/** Trains a small net on the sample of FashionMNIST. Runs in a page as in a worker; knows neither. */
import { backward, compile, crossEntropy, openDevice } from '@initlab/core';
import { batchCount, batchesOf, epochOrder, ResidentDataset } from '@initlab/data';
import { fetchSample } from '@initlab/data/assets';
import { BatchNorm2d, Conv2d, cosineLr, Flatten, Linear, MaxPool2d, ReLU, Sequential, SGD } from '@initlab/nn';
import type { Message } from './messages.js';

const batching = { batchSize: 50, dropLast: true };

export async function train(steps: number, tell: (message: Message) => void): Promise<void> {
  try {
    // Closed at the end of the function, and with it all that lies on the GPU.
    const device = await openDevice({ adapterKernels: () => import('@initlab/core/adapter-kernels') });
    try {
      const dataset = await fetchSample();
      const images = new ResidentDataset(dataset, dataset.train);
      const model = new Sequential(
        new Conv2d(1, 8, { kernelSize: 3, padding: 1, bias: false }),
        new BatchNorm2d(8),
        new ReLU(),
        new MaxPool2d(2),
        new Conv2d(8, 16, { kernelSize: 3, padding: 1, bias: false }),
        new BatchNorm2d(16),
        new ReLU(),
        new MaxPool2d(2),
        new Flatten(),
        new Linear(16 * 7 * 7, dataset.classes.length),
      );
      const optimizer = new SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
      const schedule = cosineLr(0.1, { tMax: steps });
      const step = compile((index) => {
        const batch = images.batch(index);
        optimizer.zeroGrad();
        const loss = crossEntropy(model.forward(batch.images), batch.labels);
        backward(loss);
        optimizer.step();
        return loss;
      });
      let done = 0;
      for (let epoch = 0; done < steps; epoch++) {
        const left = Math.min(batchCount(images.count, batching), steps - done);
        for (const index of [...batchesOf(epochOrder(images.count, { seed: 1, epoch }), batching)].slice(0, left)) {
          optimizer.lr = schedule(done);
          const loss = step(index);
          // To wait for a value is to let the page draw.
          tell({ step: ++done, loss: await loss.item() });
          loss.dispose();
        }
      }
      tell({ done: true, adapter: device.caps.adapter });
    } finally {
      device.close();
    }
  } catch (error) {
    // No WebGPU, a lost device, a server without the data: the error's text says what to do.
    tell({ failed: error instanceof Error ? error.message : String(error) });
  }
}
