import { add, backward, compile, Generator, mul, noGrad, ones, sum, type Tensor, tensor } from '@initlab/core';
import {
  BatchNorm2d,
  Conv2d,
  Dropout,
  deepCopy,
  Linear,
  Module,
  ModuleDict,
  Parameter,
  ReLU,
  readStateDict,
  Sequential,
  SGD,
  SpectralNormLinear,
  stateTensor,
  WeightNormConv2d,
} from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { untyped } from '../support/untyped.js';

const deviceOf = defaultDeviceOfTests();
const numbers = async (x: Tensor | undefined): Promise<number[]> => [...((await x?.read()) ?? [])];

/** All that a module can hold. */
class Whole extends Module {
  readonly body = new Sequential(new Linear(2, 2), new ReLU(), new Dropout(0.5, { generator: new Generator(3) }));
  readonly again = this.body;
  readonly tied = new Linear(2, 2);
  readonly scales = [new Parameter([2], { value: 2 }), new Parameter([2], { value: 3 })];
  readonly shift = stateTensor([2]).set([-0, 1e-42]);
  readonly mask = tensor([1, 0], { dtype: 'i32' });
  readonly sizes = { widths: [2, 2], names: new Map([['a', new Set([1])]]), bytes: new Uint8Array([1, 2]) };
  readonly noise = new Generator(5);
  readonly activation = Math.abs;
  readonly head = new ModuleDict({ norm: new BatchNorm2d(2) });
  constructor() {
    super();
    this.tied.weight = (this.body.layers[0] as Linear).weight;
  }
  override forward(x: Tensor): Tensor {
    return this.head.get('norm').forward(add(this.tied.forward(this.body.forward(x)), this.shift));
  }
}

describe('a deep copy', () => {
  it('has the values, names, sharing, modes and counters of what it is of, in memory of its own', async () => {
    const whole = new Whole();
    whole.tied.bias?.requiresGrad_(false);
    whole.body.layers[2]?.eval();
    noGrad(() => whole.forward(ones([3, 2])));
    whole.noise.uniform();
    backward(sum(whole.tied.forward(ones([1, 2]))));
    const copy = deepCopy(whole);
    expect(copy).toBeInstanceOf(Whole);
    expect(`${copy}`).toBe(`${whole}`);
    const [ours, theirs] = [await readStateDict(whole), await readStateDict(copy)];
    expect([...theirs]).toEqual([...ours]);
    expect(Object.is((await numbers(copy.shift))[0], -0)).toBe(true);
    expect(copy.again).toBe(copy.body);
    expect(copy.tied.weight).toBe((copy.body.layers[0] as Linear).weight);
    expect(copy.parameters().map((p) => [p.requiresGrad, p.name, p.grad])).toEqual(
      whole.parameters().map((p) => [p.requiresGrad, p.name, undefined]),
    );
    expect(copy.modules().map((m) => m.training)).toEqual(whole.modules().map((m) => m.training));
    expect((copy.head.get('norm') as BatchNorm2d).numBatchesTracked).toBe(1);
    expect([copy.sizes, copy.noise.state, await numbers(copy.mask), copy.activation]).toEqual([
      whole.sizes,
      whole.noise.state,
      [1, 0],
      Math.abs,
    ]);
    const apart = [
      [copy.sizes.widths, whole.sizes.widths],
      [copy.sizes.names.get('a'), whole.sizes.names.get('a')],
      [copy.sizes.bytes, whole.sizes.bytes],
      [copy.noise, whole.noise],
      [copy.mask, whole.mask],
    ];
    for (const [a, b] of apart) expect(a).not.toBe(b);
    whole.dispose();
    whole.mask.dispose();
    expect((await numbers(copy.forward(ones([3, 2])))).every(Number.isFinite)).toBe(true);
    copy.dispose();
  });

  it('of a layer in training draws as the layer would have', async () => {
    const drop = new Dropout(0.5, { generator: new Generator(3) });
    const x = ones([64]);
    drop.forward(x);
    const copy = deepCopy(drop);
    const expected = await numbers(drop.forward(x));
    expect(await numbers(copy.forward(x))).toEqual(expected);
    expect(await numbers(copy.forward(x))).not.toEqual(expected);
    expect([copy.step, drop.step]).toEqual([3, 2]);
  });

  it('is trained apart, and one whose parameters lie in an optimiser’s flat buffer, whose weight is made of others', async () => {
    const x = ones([1, 2]);
    for (const layer of [new Linear(2, 2), new SpectralNormLinear(2, 2)]) {
      const optimizer = new SGD(layer.parameters(), { lr: 0.5 });
      const copy = deepCopy(layer);
      const before = await numbers(copy.forward(x));
      expect(await numbers(layer.forward(x))).toEqual(before);
      const step = compile((input: Tensor) => {
        optimizer.zeroGrad();
        backward(sum(mul(layer.forward(input), layer.forward(input))));
        optimizer.step();
      });
      step(x);
      expect(await numbers(layer.forward(x))).not.toEqual(before);
      expect(await numbers(copy.eval().forward(x))).not.toEqual([]);
      expect(copy.weight).not.toBe(layer.weight);
      const own = new SGD(copy.parameters(), { lr: 0.5 });
      own.dispose();
      step.dispose();
      optimizer.dispose();
    }
    const normed = new WeightNormConv2d(2, 3, { kernelSize: 1 });
    const copy = deepCopy(normed);
    expect(copy.weight).toBe(copy.weightV);
    expect([...copy.stateDict().keys()]).toEqual([...normed.stateDict().keys()]);
  });

  it('of a module that holds itself ends', () => {
    class Loop extends Module {
      readonly self: Module[] = [this];
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    const copy = deepCopy(new Loop());
    expect(copy.self[0]).toBe(copy);
  });

  it('that is refused says what to do, and leaves no memory behind', () => {
    class Keeps extends Module {
      readonly layer = new Linear(2, 2);
      last: Tensor | undefined;
      override forward(x: Tensor): Tensor {
        this.last = this.layer.forward(x);
        return this.last;
      }
    }
    class Private extends Module {
      #scale = 2;
      override forward(x: Tensor): Tensor {
        return mul(x, this.#scale);
      }
    }
    const keeps = new Keeps();
    keeps.forward(ones([1, 2]));
    const before = deviceOf().memory.liveBytes;
    expect(() => deepCopy(keeps)).toThrow(
      /Keeps: field last holds a tensor \[1, 2\] that an op made, with its history; keep x\.detach\(\)/,
    );
    expect(deviceOf().memory.liveBytes).toBe(before);
    expect(() => deepCopy(new Private())).toThrow(/Private has #private fields.*make them fields that are not/);
    const gone = new Conv2d(1, 1, { kernelSize: 1 });
    gone.weight.dispose();
    expect(() => deepCopy(gone)).toThrow(/Conv2d: field weight holds a tensor \[1, 1, 1, 1\] that was disposed of/);
    expect(() => deepCopy<Linear>(untyped({}))).toThrow(/takes a Module/);
    const step = compile((x: Tensor) => deepCopy(keeps).forward(x));
    expect(() => step(ones([1, 2]))).toThrow(/make it outside/);
  });
});
