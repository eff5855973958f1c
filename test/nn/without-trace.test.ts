import { backward, type Device, Generator, openDevice, setDefaultDevice, sum, type Tensor, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  findInitializer,
  Linear,
  listInitializers,
  Module,
  modelDepth,
  ReLU,
  Sequential,
  stateTensor,
  summary,
  withForwardHook,
  withoutTrace,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parityFill } from '../support/parity-fill.js';

let device: Device;
let images: Tensor;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
  images = tensor(parityFill(4 * 3 * 12 * 12, { seed: 5, scale: 1.5, shift: 0.4 }), { shape: [4, 3, 12, 12], device });
});
afterAll(() => device.close());

/** Norms with running statistics and dropout, some in evaluation mode: everything that a pass could move. */
function watched(norm: string): Module {
  const model = createModel('wrn10-1', { norm, device, generator: new Generator(3) });
  const [first, second] = [new BatchNorm2d(3), new BatchNorm2d(3).eval()];
  first.runningMean?.set([0.5, -0.25, 3]);
  first.numBatchesTracked = 7;
  return new Sequential(first, new Dropout(0.3), second, model);
}

async function traces(model: Module): Promise<unknown> {
  const modules = model.modules();
  return {
    modes: modules.map((m) => m.training),
    counters: modules.flatMap((m) => (m instanceof BatchNorm2d ? [m.numBatchesTracked] : m instanceof Dropout ? [m.step] : [])),
    buffers: await Promise.all([...model.namedBuffers()].map(async ([name, x]) => [name, [...(await x.read())]])),
    ownForward: modules.filter((m) => Object.hasOwn(m, 'forward')).length,
    grads: model.parameters().map((p) => p.grad),
  };
}

describe('a pass made only to look leaves no trace', () => {
  it.each(listInitializers().flatMap(({ name, dataDependent }) => (dataDependent ? [name] : [])))('initialisation %s', async (name) => {
    for (const norm of name.startsWith('wn-') ? ['weight'] : ['batch', 'weight']) {
      const model = watched(norm);
      const before = await traces(model);
      const options = { arch: 'wrn10-1', numClasses: 10, depth: modelDepth(model), generator: new Generator(2), batch: images };
      await findInitializer(name).initialize(model, options);
      expect(await traces(model)).toEqual(before);
    }
  });

  it('a summary', async () => {
    const model = watched('batch');
    const before = await traces(model);
    summary(model, [2, 3, 12, 12]);
    expect(await traces(model)).toEqual(before);
  });

  it('one that fails on its way', async () => {
    class Broken extends Module {
      override forward(): Tensor {
        throw new Error('on purpose');
      }
    }
    const model = new Sequential(watched('batch'), new Broken());
    const before = await traces(model);
    const live = device.memory.liveBytes;
    expect(() => summary(model, [2, 3, 12, 12])).toThrow('on purpose');
    const options = { arch: 'x', numClasses: 10, depth: modelDepth(model), batch: images };
    await expect((async () => findInitializer('lsuv').initialize(model, options))()).rejects.toThrow('on purpose');
    expect(await traces(model)).toEqual(before);
    expect(device.memory.liveBytes).toBe(live);
  });

  it('withoutTrace: also of a module that moves its state in evaluation, and of an async body', async () => {
    class Counts extends Module {
      seen = stateTensor([1]);
      override forward(x: Tensor): Tensor {
        this.seen.set([42]);
        return x;
      }
    }
    const model = new Sequential(new Counts(), watched('batch'));
    const before = await traces(model);
    const y = withoutTrace(model, () => model.forward(images));
    expect(y.requiresGrad).toBe(false);
    expect(y.shape).toEqual([4, 10]);
    const shapes: string[] = [];
    await withoutTrace(model, async () =>
      withForwardHook(
        model,
        (_, { output }) => void shapes.push(output.shape.join()),
        async () => {
          await device.sync();
          model.forward(images);
        },
      ),
    );
    expect(shapes.length).toBe(model.modules().length);
    expect(await traces(model)).toEqual(before);
    const frozen = new Sequential(new Conv2d(3, 4, { kernelSize: 3 }), new ReLU(), new Linear(10, 2));
    backward(sum(frozen.forward(images)));
    const grads = frozen.parameters().map((p) => p.grad);
    summary(frozen, [1, 3, 12, 12]);
    expect(frozen.parameters().map((p) => p.grad)).toEqual(grads);
  });

  it('a layer used twice is adapted at its first use', async () => {
    const shared = new Conv2d(3, 3, { kernelSize: 3, padding: 1 });
    const model = new Sequential(shared, new ReLU(), shared);
    const variances: number[] = [];
    await findInitializer('lsuv').initialize(model, { arch: 'x', numClasses: 3, depth: 1, batch: images, generator: new Generator(1) });
    const seen: Tensor[] = [];
    withForwardHook(
      shared,
      (_, { output }) => void seen.push(output),
      () => void model.forward(images),
    );
    for (const y of seen) variances.push(await y.variance({ correction: 0 }).item());
    // One exact division leaves rounding only.
    expect(Math.abs((variances[0] as number) - 1)).toBeLessThan(1e-3);
  });
});

describe('forward hooks', () => {
  const inputs = (): Tensor => tensor([[1, 2]]);

  it('of async bodies that overlap are each called to their end, and none is left', async () => {
    const layer = new Linear(2, 2);
    const seen: string[] = [];
    const run = (name: string, wait: number): Promise<void> =>
      withForwardHook(
        layer,
        () => void seen.push(name),
        async () => {
          await new Promise((resolve) => setTimeout(resolve, wait));
          layer.forward(inputs());
        },
      );
    await Promise.all([run('first', 10), run('second', 30)]);
    expect(seen).toEqual(['first', 'second', 'second']);
    layer.forward(inputs());
    expect(seen).toHaveLength(3);
    expect(Object.hasOwn(layer, 'forward')).toBe(false);
  });

  it('within each other: the later sees what the earlier made of the output', async () => {
    const layer = new ReLU();
    const y = withForwardHook(
      layer,
      (_, { output }) => output.mul(2),
      () =>
        withForwardHook(
          layer,
          (_, { output }) => output.add(1),
          () => layer.forward(inputs()),
        ),
    );
    expect([...(await y.read())]).toEqual([3, 5]);
    expect([...(await layer.forward(inputs()).read())]).toEqual([1, 2]);
  });
});
