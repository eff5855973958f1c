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
  exp,
  gelu,
  linear,
  log,
  mul,
  neg,
  noGrad,
  OpError,
  ones,
  relu,
  sigmoid,
  silu,
  softmax,
  sqrt,
  square,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { Adam, Linear, loadStateDict, Module, Parameter, SGD, saveStateDict } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { scopeOfEachTest } from '../support/scope-of-test.js';
import { parameter, refused } from './support/changed-since.js';

defaultDeviceOfTests();
scopeOfEachTest();

/** What changes a parameter, in every way there is. */
const changes: Readonly<Record<string, (w: Parameter) => void | Promise<void>>> = {
  'set()': (w) => void w.set([5, 5]),
  copyInto: (w) => void copyInto(w, ones([2])),
  addInto: (w) => void addInto(w, ones([2])),
  'an SGD step': (w) => {
    const optimizer = new SGD([w], { lr: 0.1 });
    backward(sum(w));
    // Made with the parameter in its flat buffer.
    stale = sum(mul(w, w));
    optimizer.step();
  },
  'an Adam step of a compiled function': (w) => {
    const optimizer = new Adam([w], { lr: 0.1 });
    const step = compile(() => {
      optimizer.zeroGrad();
      backward(sum(mul(w, 3)));
      optimizer.step();
    });
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
  'a compiled function that was given it': (w) => void compile((x) => void addInto(x, ones([2])))(w),
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
      readonly first = new Linear(2, 3);
      readonly second = new Linear(3, 1);
      override forward(x: Tensor): Tensor {
        return this.second.forward(this.first.forward(x));
      }
    }
    const net = new Net();
    const optimizer = new SGD(net.parameters(), { lr: 0.1 });
    const loss = (): Tensor => sum(net.forward(ones([4, 2])));
    const [first, second] = [loss(), loss()];
    backward(first);
    optimizer.step();
    expect(() => backward(second)).toThrow(
      'the gradient of matmul reads its b, second.weight [1, 3], as it was in the forward, but optimizerStep has changed it since',
    );
  });

  it('is refused through a convolution that runs twice over one graph', () => {
    const w = new Parameter([2, 3, 3, 3], { value: 0.1 });
    const x = ones([1, 3, 5, 5], { requiresGrad: true });
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
  ['while recording', (body: () => void) => compile(body)()],
])('only what a gradient reads must be as it was, %s', (_, run) => {
  it.each(unaries)('%s', (__, f, operand, result) => {
    for (const [what, wanted] of [
      ['operand', operand],
      ['result', result],
    ] as const) {
      const body = (): void => {
        const a = tensor([0.3, 0.6, 0.9], { requiresGrad: true });
        const b = mul(a, 1);
        const y = f(b);
        const changed = what === 'operand' ? b : y;
        addInto(changed, ones(changed.shape));
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
            const b = mul(tensor([0.3, 0.6, 0.9], { requiresGrad: true }), 1);
            const y = f(b);
            addInto(which === 0 ? b : y, ones([3]));
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
        x: tensor([1, 2], { shape: [1, 2], requiresGrad: learns === 'x' }),
        weight: tensor([3, 4], { shape: [1, 2], requiresGrad: learns === 'weight' }),
      };
      const y = linear(parts.x, parts.weight);
      addInto(parts[changed], ones([1, 2]));
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
          const b = mul(tensor([1, 2, 3], { requiresGrad: true }), 1);
          const y = square(b);
          noGrad(() => addInto(view(b), ones([3, 1])));
          backward(sum(y));
        }),
      ).toThrow(refused);
  });
});
