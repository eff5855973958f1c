/**
 * A training loop written by hand, from a dataset to a fine-tuned copy of the trained model. docs/training-loop.md explains it.
 * Run it in this repository with: npx tsx examples/train-loop.ts [--mixed]
 */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { argmax, backward, cast, compile, crossEntropy, equal, Generator, noGrad, openDevice, sum } from '@initlab/core';
import { batchCount, batchesOf, epochOrder, ResidentDataset, sequentialOrder } from '@initlab/data';
import { loadDataset } from '@initlab/data/node';
import { createModel } from '@initlab/models';
import {
  cosineLr,
  findInitializer,
  LossScaler,
  loadStateDict,
  type Module,
  modelDepth,
  type Optimizer,
  SGD,
  saveStateDict,
} from '@initlab/nn';

const seed = 1;
const epochs = 2;
const batching = { batchSize: 50, dropLast: true };
const precision = process.argv.includes('--mixed') ? 'mixed' : 'f32';

const device = await openDevice();
const dataset = await loadDataset('fashion-mnist-sample');
const view = { size: 32, channels: 3 };
const train = new ResidentDataset(dataset, dataset.train, { ...view, augmentation: { cropPadding: 2, flip: true }, seed });
const test = new ResidentDataset(dataset, dataset.test, view);

const arch = 'wrn10-1-reduced';
const numClasses = dataset.classes.length;
const generator = new Generator(seed);
const model = createModel(arch, { numClasses, generator });
await findInitializer('kaiming').initialize(model, { arch, numClasses, depth: modelDepth(model), generator });

const matrices = model.parameters().filter((p) => p.ndim > 1);
const others = model.parameters().filter((p) => p.ndim <= 1);
const optimizer = new SGD([{ params: matrices }, { params: others, weightDecay: 0 }], {
  lr: 0.1,
  momentum: 0.9,
  nesterov: true,
  weightDecay: 5e-4,
});
const stepsPerEpoch = batchCount(train.count, batching);
const schedule = cosineLr(0.1, { tMax: epochs * stepsPerEpoch });

/** One step of training as a compiled function of a batch's image numbers. */
function trainStep(net: Module, optimizer: Optimizer) {
  const scaler = precision === 'mixed' && device.caps.f16 ? new LossScaler() : undefined;
  return compile(
    (index) => {
      const { images, labels } = train.batch(index);
      optimizer.zeroGrad();
      const loss = crossEntropy(net.forward(images), labels);
      backward(scaler ? scaler.scale(loss) : loss);
      if (scaler) scaler.step(optimizer);
      else optimizer.step();
      return loss;
    },
    { precision },
  );
}

/** Answers, when called, how many per cent of the test images a model classifies rightly. */
function evaluation(net: Module): () => Promise<number> {
  const countRight = compile(
    (index) =>
      noGrad(() => {
        const { images, labels } = test.batch(index);
        return sum(equal(cast(argmax(net.forward(images), { dim: 1 }), 'f32'), cast(labels, 'f32')));
      }),
    { precision },
  );
  return async () => {
    net.eval();
    let right = 0;
    for (const batch of batchesOf(sequentialOrder(test.count), { batchSize: 100 })) {
      const count = countRight(batch);
      right += await count.item();
      count.dispose();
    }
    net.train();
    return (100 * right) / test.count;
  };
}

const step = trainStep(model, optimizer);
const evaluate = evaluation(model);
for (let epoch = 0; epoch < epochs; epoch++) {
  const losses: Promise<number>[] = [];
  for (const batch of batchesOf(epochOrder(train.count, { seed, epoch }), batching)) {
    optimizer.lr = schedule(epoch * stepsPerEpoch + losses.length);
    const loss = step(batch);
    losses.push(loss.item());
    loss.dispose();
    await losses.at(-4);
  }
  const mean = (await Promise.all(losses)).reduce((a, b) => a + b) / losses.length;
  console.log(`epoch ${epoch + 1}: loss ${mean.toFixed(3)}, test accuracy ${(await evaluate()).toFixed(1)} %`);
}

const file = path.join(await mkdtemp(path.join(tmpdir(), 'initlab-')), 'model.safetensors');
await writeFile(file, await saveStateDict(model));
const copy = createModel(arch, { numClasses });
loadStateDict(copy, await readFile(file));
const evaluateCopy = evaluation(copy);
console.log(`loaded from ${file}: ${(await evaluateCopy()).toFixed(1)} %`);

for (const [name, p] of copy.namedParameters()) p.requiresGrad_(name.startsWith('final_layer.'));
const head = new SGD(
  copy.parameters().filter((p) => p.requiresGrad),
  { lr: 0.01, momentum: 0.9 },
);
copy.eval();
const headStep = trainStep(copy, head);
for (const batch of batchesOf(epochOrder(train.count, { seed, epoch: epochs }), batching)) headStep(batch).dispose();
console.log(`after an epoch of its last layer alone: ${(await evaluateCopy()).toFixed(1)} %`);
device.close();
