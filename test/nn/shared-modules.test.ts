import { backward, type Device, Generator, openDevice, setDefaultDevice, sum, type Tensor, tensor } from '@initlab/core';
import {
  BatchNorm2d,
  findInitializer,
  Linear,
  listInitializers,
  loadStateDict,
  Module,
  modelDepth,
  Parameter,
  parseSafetensors,
  ReLU,
  readStateDict,
  Sequential,
  SGD,
  saveStateDict,
  summary,
  weightLayers,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
  setDefaultDevice(device);
});
afterAll(() => device.close());
const numbers = async (x: Tensor): Promise<number[]> => [...(await x.read())];

/** A layer in three places, one of them below. */
function twice(): { net: Sequential; layer: Linear } {
  const layer = new Linear(2, 2);
  return { net: new Sequential(layer, new ReLU(), layer, new Sequential(new BatchNorm2d(2), layer)), layer };
}

/** Two layers with one weight, and biases of their own. */
class Tied extends Module {
  encoder = new Linear(3, 3);
  decoder = new Linear(3, 3);
  constructor() {
    super();
    this.decoder.weight = this.encoder.weight;
  }
  override forward(x: Tensor): Tensor {
    return this.decoder.forward(this.encoder.forward(x));
  }
}

/** A module that holds itself, by way of its child. */
class Loop extends Module {
  weight = new Parameter([1]);
  child = new Sequential(new Linear(1, 1));
  parent: Module | undefined;
  override forward(x: Tensor): Tensor {
    return this.child.forward(x);
  }
}
const loop = (): Loop => {
  const made = new Loop();
  Object.assign(made.child, { layers: [...made.child.layers, made] });
  return made;
};

describe('a module used twice', () => {
  it('is listed once, under its first name', () => {
    const { net, layer } = twice();
    expect(net.modules()).toHaveLength(5);
    expect([...net.namedModules()].map(([name]) => name)).toEqual(['', '0', '1', '3', '3.0']);
    expect([...net.namedModules('net')].map(([name]) => name)).toEqual(['net', 'net.0', 'net.1', 'net.3', 'net.3.0']);
    expect([...net.namedChildren()].map(([name]) => name)).toEqual(['0', '1', '3']);
    expect([...net.namedParameters()].map(([name]) => name)).toEqual(['0.weight', '0.bias', '3.0.weight', '3.0.bias']);
    expect([...net.namedBuffers()].map(([name]) => name)).toEqual(['3.0.running_mean', '3.0.running_var']);
    const all = { removeDuplicate: false };
    expect([...net.namedModules('', all)].map(([name]) => name)).toEqual(['', '0', '1', '2', '3', '3.0', '3.1']);
    expect([...net.namedChildren(all)].map(([name]) => name)).toEqual(['0', '1', '2', '3']);
    expect([...net.namedParameters(all)].filter(([, p]) => p === layer.bias).map(([name]) => name)).toEqual([
      '0.bias',
      '2.bias',
      '3.1.bias',
    ]);
    expect(`${net}`.match(/Linear/g)).toHaveLength(3);
  });

  it('is visited once, children first', () => {
    const { net, layer } = twice();
    const order: Module[] = [];
    net.apply((module) => order.push(module));
    const [, relu, , below] = net.layers as readonly [Module, Module, Module, Sequential];
    expect(order).toEqual([layer, relu, below.layers[0], below, net]);
    net.eval();
    expect(net.modules().some((m) => m.training)).toBe(false);
  });

  it('counts once: depth, layers, parameters of an optimiser, summary', async () => {
    const { net, layer } = twice();
    expect(modelDepth(net)).toBe(1);
    expect(weightLayers(net)).toEqual([layer]);
    const optimizer = new SGD(net.parameters(), { lr: 1 });
    const before = await numbers(layer.weight);
    backward(sum(net.layers[0]?.forward(layer.forward(tensor([[1, 2]]))) as Tensor));
    optimizer.step();
    const grad = await numbers(layer.weight.grad as Tensor);
    expect(await numbers(layer.weight)).toEqual(before.map((w, i) => Math.fround(w - (grad[i] as number))));
    const found = summary(net, [4, 2]);
    expect(found.rows.map(({ name, type, parameters }) => [name, type, parameters])).toEqual([
      ['0', 'Linear', 6],
      ['1', 'ReLU', 0],
      ['0', 'Linear', 0],
      ['3.0', 'BatchNorm2d', 4],
      ['0', 'Linear', 0],
    ]);
    expect(found.parameters).toBe(10);
    expect(found.multiplyAdds).toBe(3 * 4 * 4);
  });

  it.each(
    listInitializers()
      .map(({ name }) => name)
      .filter((name) => !/^wn-|^fixup$|skipinit|rezero|layerscale/.test(name)),
  )('is drawn once by %s, and so is a weight that two layers share', async (name) => {
    const drawn = async (model: Module, batch: Tensor): Promise<number> => {
      const generator = new Generator(5);
      await findInitializer(name).initialize(model, { arch: 'x', numClasses: 2, depth: modelDepth(model), generator, batch });
      return generator.state.offset;
    };
    const batch = tensor([1, 2, 3, 4, 5, 7, 6, 8, 3], { shape: [3, 3] });
    const layer = new Linear(3, 3);
    const once = await drawn(new Sequential(new Linear(3, 3)), batch);
    expect(await drawn(new Sequential(layer, new ReLU(), layer), batch)).toBe(once);
    const tied = new Tied();
    const biases = name === 'default' ? await drawn(new Sequential(new Linear(3, 3)), batch).then((n) => n - 2 * 9) : 0;
    expect(await drawn(tied, batch)).toBe(once + biases);
    expect((await numbers(tied.encoder.weight)).every(Number.isFinite)).toBe(true);
  });
});

describe('the state dict of what is shared', () => {
  it('has every name, as PyTorch’s has, and loads from all names or one', async () => {
    const { net, layer } = twice();
    const names = [...net.stateDict().keys()];
    expect(names.filter((name) => name.endsWith('weight'))).toEqual(['0.weight', '2.weight', '3.0.weight', '3.1.weight']);
    expect([...(await readStateDict(net)).keys()].filter((name) => name.endsWith('tracked'))).toEqual(['3.0.num_batches_tracked']);
    const saved = new Map(parseSafetensors(await saveStateDict(net)).tensors);
    expect([...saved.get('2.weight')!.data]).toEqual(await numbers(layer.weight));

    const other = twice();
    expect(loadStateDict(other.net, saved)).toEqual({ missing: [], unexpected: [] });
    expect(await numbers(other.layer.weight)).toEqual(await numbers(layer.weight));
    // A file of one name, as safetensors' own save_model writes it.
    for (const name of ['0.weight', '0.bias', '3.1.weight']) saved.delete(name);
    saved.set('2.weight', { ...saved.get('2.weight')!, data: Float32Array.of(1, 2, 3, 4) });
    expect(loadStateDict(other.net, saved)).toEqual({ missing: [], unexpected: [] });
    expect(await numbers(other.layer.weight)).toEqual([1, 2, 3, 4]);
    for (const name of ['2.weight']) saved.delete(name);
    expect(() => loadStateDict(other.net, saved)).toThrow(/missing in the file: 0\.weight, 2\.weight, 3\.1\.weight/);
  });

  it('of names that differ the last holds, as in PyTorch; a wrong shape under any is refused', async () => {
    const tied = new Tied();
    const matrix = (value: number): { shape: number[]; data: number[] } => ({ shape: [3, 3], data: Array<number>(9).fill(value) });
    const bias = { shape: [3], data: [0, 0, 0] };
    const source = new Map([
      ['decoder.weight', matrix(2)],
      ['encoder.weight', matrix(1)],
      ['encoder.bias', bias],
      ['decoder.bias', bias],
    ]);
    loadStateDict(tied, source);
    expect(await numbers(tied.encoder.weight)).toEqual(matrix(2).data);
    source.set('encoder.weight', { shape: [9], data: matrix(1).data });
    expect(() => loadStateDict(tied, source)).toThrow(/encoder\.weight is \[9\] in the file/);
    expect(tied.parameters()).toHaveLength(3);
    expect([...tied.stateDict().keys()]).toEqual(['encoder.weight', 'encoder.bias', 'decoder.weight', 'decoder.bias']);
    expect(summary(tied, [1, 3]).rows.map((row) => row.parameters)).toEqual([12, 3]);
  });

  it('counters of a batch norm in two places', async () => {
    const norm = new BatchNorm2d(1);
    const net = new Sequential(norm, norm);
    net.forward(tensor([[1], [2]]));
    const saved = await readStateDict(net);
    expect(['0', '1'].map((at) => Number(saved.get(`${at}.num_batches_tracked`)?.data[0]))).toEqual([2, 2]);
    norm.numBatchesTracked = 0;
    loadStateDict(net, saved);
    expect(norm.numBatchesTracked).toBe(2);
  });
});

describe('a module that holds itself', () => {
  it('is walked, printed, saved and disposed of without end', async () => {
    const net = loop();
    expect(net.modules()).toHaveLength(3);
    expect(net.parameters()).toHaveLength(3);
    let visits = 0;
    net.apply(() => visits++);
    expect(visits).toBe(3);
    expect([...net.stateDict().keys()]).toEqual(['weight', 'child.0.weight', 'child.0.bias']);
    expect(`${net}`).toMatch(/\(1\): Loop\(…\)/);
    expect((await saveStateDict(net)).length).toBeGreaterThan(0);
    net.train().eval().dispose();
    expect(net.weight.disposed).toBe(true);
  });
});

describe('a tensor that wants a gradient and is no Parameter', () => {
  class Own extends Module {
    linear = new Linear(1, 1);
    scale: unknown = tensor([1, 2], { requiresGrad: true });
    override forward(x: Tensor): Tensor {
      return x;
    }
  }
  it('is named where parameters are listed', () => {
    const net = new Sequential(new Own());
    const message = /Own: field scale holds a tensor \[2\] that wants a gradient and is no Parameter.*write new Parameter\(\[2\]\)\.set/;
    expect(() => net.parameters()).toThrow(message);
    expect(() => net.stateDict()).toThrow(message);
    (net.layers[0] as Own).scale = [tensor([1]).requiresGrad_()];
    expect(() => net.parameters()).toThrow(/field scale holds a tensor \[1\]/);
  });
  it('unless it is a value of a pass, or wants none', () => {
    const own = new Own();
    own.scale = own.linear.forward(tensor([[1]]));
    expect(own.parameters()).toHaveLength(2);
    own.scale = tensor([1]);
    expect(own.parameters()).toHaveLength(2);
  });
});

describe('two fields that a state dict would call the same', () => {
  const pair = (first: string, second: string): Module => {
    class Pair extends Module {
      constructor() {
        super();
        Object.assign(this, { [first]: first === 'heads' ? [new Linear(1, 1)] : new Linear(1, 1), [second]: new Linear(1, 1) });
      }
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    return new Pair();
  };
  it.each([
    ['outLayer', 'out_layer', 'out_layer'],
    ['heads', 'heads.0', 'heads.0'],
  ])('%s and %s are refused: one of them would not be saved, nor loaded', (first, second, name) => {
    expect(() => pair(first, second).stateDict()).toThrow(`Pair: fields ${first} and ${second} are both called ${name} in a state dict`);
    expect(() => pair(first, second).parameters()).toThrow('rename one');
  });
});
