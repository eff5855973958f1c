import {
  abs,
  add,
  addInto,
  amax,
  backward,
  clamp,
  compile,
  conv2d,
  copyInto,
  type Device,
  exp,
  gelu,
  grad,
  linear,
  log,
  mul,
  neg,
  noGrad,
  ones,
  OpError,
  openDevice,
  relu,
  Scope,
  sigmoid,
  silu,
  softmax,
  sqrt,
  square,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { Adam, BatchNorm2d, Linear, loadStateDict, Module, Parameter, saveStateDict, SGD, WeightNormLinear } from '@initlab/nn';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let device: Device;
let ofTest: Scope;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
beforeEach(() => {
  ofTest = new Scope();
});
afterEach(() => ofTest[Symbol.dispose]());

const parameter = (...values: number[]): Parameter => new Parameter([values.length], { device }).set(values) as Parameter;
const refused =
  /backward: the gradient of \w+ reads its \w+, .* as it was in the forward, but .* has changed it since; call backward before/;

/** What changes a parameter, in every way there is. */
const changes: Readonly<Record<string, (w: Parameter) => void | Promise<void>>> = {
  'set()': (w) => void w.set([5, 5]),
  copyInto: (w) => void copyInto(w, ones([2], { device })),
  addInto: (w) => void addInto(w, ones([2], { device })),
  'an SGD step': (w) => {
    const optimizer = new SGD([w], { lr: 0.1 });
    backward(sum(w));
    // Made with the parameter in its flat buffer.
    stale = sum(mul(w, w));
    optimizer.step();
  },
  'an Adam step of a compiled function': (w) => {
    const optimizer = new Adam([w], { lr: 0.1 });
    const step = compile(
      () => {
        optimizer.zeroGrad();
        backward(sum(mul(w, 3)));
        optimizer.step();
      },
      { device },
    );
    step();
    stale = sum(mul(w, w));
    step();
  },
  'a state dict': async (w) => {
    class Holder extends Module {
      readonly w = w;
      override forward(x: Tensor): Tensor {
        return x;
      }
    }
    loadStateDict(new Holder(), await saveStateDict(new Holder()));
  },
  'a compiled function that was given it': (w) => void compile((x) => void addInto(x, ones([2], { device })), { device })(w),
};
let stale: Tensor | undefined;

describe('a backward through values that changed since the forward', () => {
  it.each(Object.entries(changes))('is refused: %s', async (_, change) => {
    const w = parameter(1, 2);
    stale = sum(mul(w, w));
    await change(w);
    const again = (): void => backward(stale as Tensor, { retainGraph: true });
    expect(again).toThrow(OpError);
    expect(again).toThrow(refused);
    // A forward made after it is good.
    w.zeroGrad();
    const [now = 0] = await w.read();
    backward(sum(mul(w, w)));
    expect((await w.grad?.read())?.[0]).toBeCloseTo(2 * now, 5);
  });

  it('names the op, the parameter and what changed it', () => {
    class Net extends Module {
      readonly first = new Linear(2, 3, { device });
      readonly second = new Linear(3, 1, { device });
      override forward(x: Tensor): Tensor {
        return this.second.forward(this.first.forward(x));
      }
    }
    const net = new Net();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const loss = (): Tensor => sum(net.forward(ones([4, 2], { device })));
    const [first, second] = [loss(), loss()];
    backward(first);
    optimizer.step();
    expect(() => backward(second)).toThrow(
      'the gradient of matmul reads its b, second.weight [1, 3], as it was in the forward, but optimizerStep has changed it since',
    );
  });

  it('is refused through a convolution that runs twice over one graph', () => {
    const w = new Parameter([2, 3, 3, 3], { device, value: 0.1 });
    const x = ones([1, 3, 5, 5], { device, requiresGrad: true });
    const loss = sum(conv2d(x, w));
    backward(loss, { retainGraph: true });
    backward(loss, { retainGraph: true });
    copyInto(w, mul(w, 2));
    expect(() => backward(loss)).toThrow(
      /the gradient of conv2d reads its weight, \[2, 3, 3, 3\] \(made by parameter\).*assign has changed it/,
    );
  });
});

// As PyTorch 1.13 does, but for softplus-like ops that save either of both: what an op's gradient reads is refused.
const unaries: readonly (readonly [string, (b: Tensor) => Tensor, operand: boolean, result: boolean])[] = [
  ['exp', exp, false, true],
  ['square', square, true, false],
  ['log', log, true, false],
  ['sqrt', sqrt, false, true],
  ['neg', neg, false, false],
  ['add', (b) => add(b, 1), false, false],
  ['mul', (b) => mul(b, b), true, false],
  ['mul by a number', (b) => mul(b, 2), false, false],
  ['softmax', (b) => softmax(b, { dim: 0 }), false, true],
  ['amax', (b) => amax(b), true, true],
  ['clamp', (b) => clamp(b, { min: 0, max: 1 }), true, false],
  ['silu', silu, true, false],
  ['abs', abs, true, false],
];
describe.each([
  ['op by op', (body: () => void) => body()],
  ['while recording', (body: () => void) => compile(body, { device })()],
])('only what a gradient reads must be as it was, %s', (_, run) => {
  it.each(unaries)('%s', (__, f, operand, result) => {
    for (const [what, wanted] of [
      ['operand', operand],
      ['result', result],
    ] as const) {
      const body = (): void => {
        const a = tensor([0.3, 0.6, 0.9], { device, requiresGrad: true });
        const b = mul(a, 1);
        const y = f(b);
        const changed = what === 'operand' ? b : y;
        addInto(changed, ones(changed.shape, { device }));
        backward(sum(y));
      };
      if (wanted) expect(() => run(body), what).toThrow(refused);
      else expect(() => run(body), what).not.toThrow();
    }
  });

  it('one of both: sigmoid, relu and gelu', () => {
    for (const f of [sigmoid, relu, gelu]) {
      const refusals = [0, 1].filter((which) => {
        try {
          run(() => {
            const b = mul(tensor([0.3, 0.6, 0.9], { device, requiresGrad: true }), 1);
            const y = f(b);
            addInto(which === 0 ? b : y, ones([3], { device }));
            backward(sum(y));
          });
          return false;
        } catch (error) {
          expect((error as Error).message).toMatch(refused);
          return true;
        }
      });
      expect(refusals.length).toBeGreaterThan(0);
    }
  });

  it('linear: the weight for the gradient of x, x for that of the weight', () => {
    const body = (changed: 'x' | 'weight', learns: 'x' | 'weight') => (): void => {
      const parts = {
        x: tensor([1, 2], { shape: [1, 2], device, requiresGrad: learns === 'x' }),
        weight: tensor([3, 4], { shape: [1, 2], device, requiresGrad: learns === 'weight' }),
      };
      const y = linear(parts.x, parts.weight);
      addInto(parts[changed], ones([1, 2], { device }));
      backward(sum(y));
    };
    expect(() => run(body('weight', 'x'))).toThrow(refused);
    expect(() => run(body('x', 'weight'))).toThrow(refused);
    expect(() => run(body('weight', 'weight'))).not.toThrow();
    expect(() => run(body('x', 'x'))).not.toThrow();
  });

  it('a change through a view counts, and through detach', () => {
    for (const view of [(b: Tensor) => b.reshape([3, 1]), (b: Tensor) => b.detach().reshape([3, 1])])
      expect(() =>
        run(() => {
          const b = mul(tensor([1, 2, 3], { device, requiresGrad: true }), 1);
          const y = square(b);
          noGrad(() => addInto(view(b), ones([3, 1], { device })));
          backward(sum(y));
        }),
      ).toThrow(refused);
  });
});

describe('parts of a flat buffer', () => {
  it('count for what overlaps them, and for nothing else', () => {
    const [a, b] = [parameter(1, 2), parameter(3, 4)];
    const optimizer = new SGD([a, b], { lr: 0.1 });
    const [ofA, ofB] = [sum(square(a)), sum(square(b))];
    b.set([0, 0]);
    backward(ofA);
    expect(() => backward(ofB)).toThrow(refused);
    // An update of one alone.
    const [again, other] = [sum(square(a)), sum(square(b))];
    optimizer.step();
    backward(other);
    expect(() => backward(again)).toThrow(refused);
    // An update of all at once.
    const last = sum(square(b));
    optimizer.step();
    expect(() => backward(last)).toThrow(refused);
  });
});

describe('a compiled function', () => {
  it('is refused when it is recorded, where it updates between forward and backward', () => {
    const w = parameter(1, 2);
    const optimizer = new SGD([w], { lr: 0.1 });
    const step = compile(
      () => {
        optimizer.zeroGrad();
        const [first, second] = [sum(mul(w, w)), sum(mul(w, w))];
        backward(first);
        optimizer.step();
        backward(second);
      },
      { device },
    );
    expect(step).toThrow(/the gradient of mul reads its x\d, \[2\] \(made by parameter\).*optimizerStep has changed it/);
  });

  it('changes nothing by being recorded', async () => {
    const w = parameter(1, 2);
    const optimizer = new SGD([w], { lr: 0.1 });
    const loss = sum(mul(w, w));
    const step = compile(
      () => {
        optimizer.zeroGrad();
        backward(sum(mul(w, w)));
        optimizer.step();
      },
      { device },
    );
    await step.prepare();
    backward(loss, { retainGraph: true });
    step();
    expect(() => backward(loss)).toThrow('optimizerStep in a compiled step has changed it since');
  });

  it('that goes back over an earlier forward is refused at the call that finds it changed', () => {
    const w = parameter(1, 2);
    const loss = sum(mul(w, w));
    const step = compile(() => grad(loss, [w], { retainGraph: true }), { device });
    step();
    step();
    w.set([3, 4]);
    expect(step).toThrow(refused);
  });
});

describe('what changes nothing that a gradient reads, goes on as before', () => {
  it('running statistics, gradients that add up in a flat buffer, and graphs that are kept', async () => {
    const bn = new BatchNorm2d(2, { device });
    const w = new Parameter([1, 2, 1, 1], { device, value: 1 });
    const optimizer = new Adam([...bn.parameters(), w], { lr: 0.1 });
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 9], { shape: [2, 2, 2, 1], device });
    const loss = (): Tensor => sum(square(conv2d(relu(bn.forward(x)), w)));
    for (let k = 0; k < 2; k++) {
      optimizer.zeroGrad();
      const [first, second] = [loss(), loss()];
      backward(first, { retainGraph: true });
      const once = (await w.grad?.read()) ?? [];
      backward(first);
      backward(second);
      expect([...((await w.grad?.read()) ?? [])].map((g, i) => g / (3 * (once[i] as number)))).toEqual([
        expect.closeTo(1, 5),
        expect.closeTo(1, 5),
      ]);
      optimizer.step();
    }
  });

  it('weight normalisation and gradients of gradients', () => {
    const layer = new WeightNormLinear(3, 2, { device });
    const x = ones([2, 3], { device, requiresGrad: true });
    const optimizer = new SGD(layer.parameters(), { lr: 0.1 });
    for (let k = 0; k < 2; k++) {
      optimizer.zeroGrad();
      const y = sum(square(layer.forward(x)));
      const [dx] = grad(y, [x], { createGraph: true }) as [Tensor];
      backward(sum(square(dx)), { retainGraph: true });
      backward(y);
      optimizer.step();
    }
  });
});
