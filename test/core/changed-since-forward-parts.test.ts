import { backward, compile, conv2d, grad, mul, ones, relu, square, sum, type Tensor, tensor } from '@initlab/core';
import { Adam, BatchNorm2d, Parameter, SGD, WeightNormLinear } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { scopeOfEachTest } from '../support/scope-of-test.js';
import { parameter, refused } from './support/changed-since.js';

defaultDeviceOfTests();
scopeOfEachTest();

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
    const step = compile(() => {
      optimizer.zeroGrad();
      const [first, second] = [sum(mul(w, w)), sum(mul(w, w))];
      backward(first);
      optimizer.step();
      backward(second);
    });
    expect(step).toThrow(/the gradient of mul reads its x\d, \[2\] \(made by parameter\).*optimizerStep has changed it/);
  });

  it('changes nothing by being recorded', async () => {
    const w = parameter(1, 2);
    const optimizer = new SGD([w], { lr: 0.1 });
    const loss = sum(mul(w, w));
    const step = compile(() => {
      optimizer.zeroGrad();
      backward(sum(mul(w, w)));
      optimizer.step();
    });
    await step.prepare();
    backward(loss, { retainGraph: true });
    step();
    expect(() => backward(loss)).toThrow('optimizerStep in a compiled step has changed it since');
  });

  it('that goes back over an earlier forward is refused at the call that finds it changed', () => {
    const w = parameter(1, 2);
    const loss = sum(mul(w, w));
    const step = compile(() => grad(loss, [w], { retainGraph: true }));
    step();
    step();
    w.set([3, 4]);
    expect(step).toThrow(refused);
  });
});

describe('what changes nothing that a gradient reads, goes on as before', () => {
  it('running statistics, gradients that add up in a flat buffer, and graphs that are kept', async () => {
    const bn = new BatchNorm2d(2);
    const w = new Parameter([1, 2, 1, 1], { value: 1 });
    const optimizer = new Adam([...bn.parameters(), w], { lr: 0.1 });
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 9], { shape: [2, 2, 2, 1] });
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
    const layer = new WeightNormLinear(3, 2);
    const x = ones([2, 3], { requiresGrad: true });
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
