import { add, addInto, backward, copyInto, grad, mul, noGrad, ones, sub, sum, type Tensor, tensor } from '@initlab/core';
import { SGD } from '@initlab/nn';
import { compiledLikeEager, leaf, type Programs } from './support/like-eager.js';

/** What a compiled function shares with the code around it by leaves: their gradients, their hooks, optimisers that move them. */
const programs: Programs = {
  'reads a gradient that backward made outside': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap(() => {
      noGrad(() => addInto(w, mul(w.grad as Tensor, -0.5)));
      return add(w, 0);
    });
    for (const i of [1, 2, 3, 4]) {
      w.zeroGrad();
      backward(sum(mul(w, tensor([i, 1]))));
      yield [step(), w.grad];
    }
  },
  'changes such a gradient in place': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap(() => {
      const g = w.grad as Tensor;
      copyInto(g, mul(g, 0.5));
      return mul(w.grad as Tensor, 2);
    });
    for (const i of [1, 2, 3, 4]) {
      backward(sum(mul(w, tensor([i, 1]))));
      yield [step(), w.grad];
    }
  },
  'sets a gradient to another one': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap(() => {
      w.grad = mul(w.grad as Tensor, 0.5);
      return add(w.grad, 0);
    });
    backward(sum(mul(w, tensor([8, 4]))));
    for (let i = 0; i < 4; i++) yield [step(), w.grad];
  },
  'differentiates by a leaf that no optimiser has': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      const loss = sum(mul(mul(w, w), x));
      backward(loss);
      return loss;
    });
    for (const i of [1, 2, 3, 4]) {
      if (i === 3) w.zeroGrad();
      yield [step(tensor([i, 1])), w.grad];
    }
  },
  'forgets, and differentiates twice': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      w.zeroGrad();
      backward(sum(mul(w, x)));
      backward(sum(mul(w, w)));
      addInto(w.grad as Tensor, ones([2]));
      return add(w, 0);
    });
    for (const i of [1, 2, 3, 4]) yield [step(tensor([i, 1])), w.grad];
  },
  'meets other hooks of a leaf': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      backward(sum(mul(w, x)));
      return add(w, x);
    });
    yield [step(ones([2])), w.grad];
    const removers = [w.registerHook((g) => mul(g, 2)), w.registerHook((g) => mul(g, 3))];
    yield [step(ones([2])), w.grad];
    removers[0]?.();
    yield [step(ones([2])), w.grad];
    yield [step(ones([2])), w.grad];
  },
  'sets a gradient to nothing, the former one being used outside': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      w.grad = undefined;
      backward(sum(mul(w, x)));
      return add(w, x);
    });
    backward(sum(w));
    const former = w.grad;
    for (const i of [1, 2, 3]) yield [step(tensor([i, 1])), w.grad, former];
  },
  'swaps gradients': async function* (wrap) {
    const [a, b] = [leaf(1, 2), leaf(3, 4)];
    backward(sum(mul(mul(a, a), b)));
    const step = wrap((x) => {
      const first = (a.grad as Tensor).detach();
      a.grad = (b.grad as Tensor).detach();
      b.grad = first;
      return add(a.grad, x);
    });
    for (let i = 0; i < 4; i++) yield [step(ones([2])), a.grad, b.grad];
  },
  'forgets a gradient': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      w.zeroGrad();
      return mul(w, x);
    });
    for (const i of [1, 2, 3, 4]) {
      backward(sum(w));
      yield [step(tensor([i, 1])), w.grad];
    }
  },
  'differentiates, the optimisers outside following one another': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap(() => {
      const loss = sum(mul(w, w));
      backward(loss);
      return loss;
    });
    for (let i = 0; i < 4; i++) {
      const optimizer = new SGD([w], { lr: 0.25 });
      optimizer.zeroGrad();
      const loss = step();
      optimizer.step();
      yield [loss, w, w.grad];
      optimizer.dispose();
    }
  },
  'reads a parameter that an optimiser then moves': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => mul(w, x));
    yield [step(ones([2]))];
    const optimizer = new SGD([w], { lr: 0.25 });
    for (const i of [1, 2, 3]) {
      optimizer.zeroGrad();
      backward(sum(mul(w, w)));
      optimizer.step();
      yield [step(tensor([i, 1])), w];
    }
  },
  'steps the parameter that is its input': async function* (wrap) {
    const w = leaf(1, 2);
    const optimizer = new SGD([w], { lr: 0.25 });
    const step = wrap((x) => {
      optimizer.zeroGrad();
      const before = mul(x, 1);
      backward(sum(mul(w, w)));
      optimizer.step();
      return sub(x, before);
    });
    for (let i = 0; i < 4; i++) yield [step(w.detach()), w];
  },
  'differentiates by its input': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      backward(sum(mul(x, w)));
      return add(x, w);
    });
    for (const input of [w, tensor([3, 4]), w, w]) yield [step(input), w.grad];
  },
  'differentiates by its input alone': async function* (wrap) {
    const w = leaf(1, 2);
    const step = wrap((x) => {
      const [found] = grad(sum(mul(x, x)), [x]);
      return found as Tensor;
    });
    for (let i = 0; i < 4; i++) yield [step(w)];
  },
};

compiledLikeEager('gradients of leaves', programs);
