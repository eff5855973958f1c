import {
  add,
  addInto,
  backward,
  compile,
  copyInto,
  full,
  grad,
  keep,
  mul,
  noGrad,
  ones,
  sub,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { Parameter, SGD } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { scopeOfEachTest } from '../support/scope-of-test.js';

/** Gives the function as it is, or compiled. */
type Wrap = <R>(body: (...inputs: Tensor[]) => R) => (...inputs: Tensor[]) => R;
/** Makes its own state, then gives what four calls show, in order. */
type Program = (wrap: Wrap) => AsyncGenerator<readonly (Tensor | undefined)[]>;

const leaf = (...values: number[]): Parameter => {
  const made = new Parameter([values.length]);
  made.set(values);
  return made;
};

/**
 * What a compiled function shares with the code around it: programs that PyTorch's users write, in each of which a copy would show.
 * Above 300 lines, as the one list that says what is compared: each program is a few lines, and no two files would part them better.
 */
const programs: Readonly<Record<string, Program>> = {
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
  'swaps its inputs': async function* (wrap) {
    const step = wrap((a, b) => [b, a]);
    let [p, q]: readonly Tensor[] = [tensor([1]), tensor([2])];
    for (let i = 0; i < 4; i++) {
      [p, q] = step(p as Tensor, q as Tensor);
      yield [p, q];
    }
  },
  'goes on from what it returned, in another place': async function* (wrap) {
    const step = wrap((now, before) => [sub(mul(now, 2), before), now]);
    let [now, before]: readonly Tensor[] = [tensor([1]), tensor([0])];
    for (let i = 0; i < 4; i++) {
      [now, before] = step(now as Tensor, before as Tensor);
      yield [now, before];
    }
  },
  'writes to an input and returns it': async function* (wrap) {
    const start = tensor([1, 2]);
    const step = wrap((x, s) => copyInto(s, add(mul(s, 0.5), x)));
    let state = start;
    for (const i of [1, 2, 3, 4]) {
      state = step(tensor([i, 1]), state);
      addInto(state, ones([2]));
      yield [state, start];
    }
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
  'writes to a tensor that is also its input': async function* (wrap) {
    const a = tensor([1, 2]);
    const step = wrap((x) => {
      addInto(a, ones([2]));
      return mul(x, 3);
    });
    yield [step(tensor([5, 6])), a];
    yield [step(a), a];
    yield [step(a.reshape([2])), a];
    yield [step(a.detach()), a];
  },
  'writes to an input that it also reads by name': async function* (wrap) {
    const a = tensor([1, 2]);
    const step = wrap((x) => {
      const before = mul(a, 1);
      addInto(x, ones([2]));
      return sub(mul(a, 3), before);
    });
    for (const input of [tensor([5, 6]), a, a, a.reshape([2])]) yield [step(input), a];
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
  'copies its input over what it reads': async function* (wrap) {
    const [a, b] = [tensor([1, 2]), tensor([5, 6])];
    const step = wrap((x) => {
      copyInto(a, mul(x, 2));
      return add(a, x);
    });
    for (const input of [b, a, b, a]) yield [step(input), a];
  },
  'keeps a constant of its first call, which only the caller changes': async function* (wrap) {
    let kept: Tensor | undefined;
    const step = wrap((x) => {
      kept ??= keep(tensor([1, 2]));
      return mul(kept, x);
    });
    for (const i of [1, 2, 3, 4]) {
      yield [step(tensor([i, 1])), kept];
      addInto(kept as unknown as Tensor, ones([2]));
    }
  },
  'keeps a constant at every call, which only the caller changes': async function* (wrap) {
    let kept: Tensor | undefined;
    const step = wrap((x) => {
      kept = keep(tensor([1, 2]));
      return mul(kept, x);
    });
    for (const i of [1, 2, 3, 4]) {
      yield [step(tensor([i, 1])), kept];
      addInto(kept as unknown as Tensor, ones([2]));
    }
  },
  'keeps a constant that it never reads': async function* (wrap) {
    let kept: Tensor | undefined;
    const step = wrap((x) => {
      kept = keep(full([2], 3));
      return mul(x, 2);
    });
    for (const i of [1, 2, 3, 4]) {
      yield [step(tensor([i, 1])), kept];
      addInto(kept as unknown as Tensor, ones([2]));
    }
  },
  'keeps and returns a constant, of which the caller disposes': async function* (wrap) {
    let kept: Tensor | undefined;
    const step = wrap(() => {
      kept = keep(full([2], 3));
      return kept;
    });
    for (let i = 0; i < 4; i++) {
      const given = step();
      yield [given, kept];
      addInto(kept as unknown as Tensor, ones([2]));
      (kept as unknown as Tensor).dispose();
    }
  },
  'makes a parameter at every call, which the caller trains': async function* (wrap) {
    let w: Parameter | undefined;
    const step = wrap((x) => {
      w = leaf(1, 2);
      return mul(w, x);
    });
    for (const i of [1, 2, 3, 4]) {
      yield [step(tensor([i, 1])), w];
      noGrad(() => addInto(w as unknown as Tensor, ones([2])));
    }
  },
  'reads one tensor, then another, when the first is disposed of': async function* (wrap) {
    let scale = tensor([1, 2]);
    const step = wrap((x) => mul(x, scale));
    for (const i of [1, 2, 3, 4]) {
      yield [step(tensor([i, 1]))];
      scale.dispose();
      scale = tensor([i, i]);
    }
  },
};

describe('a compiled function does what its body does', () => {
  defaultDeviceOfTests();
  scopeOfEachTest();

  const seen = async (program: Program, wrap: Wrap): Promise<(readonly number[] | undefined)[][]> => {
    const all: (readonly number[] | undefined)[][] = [];
    for await (const shown of program(wrap)) all.push(await Promise.all(shown.map(async (x) => x && [...(await x.read())])));
    return all;
  };
  it.each(Object.entries(programs))('%s', async (_, program) => {
    const eager = await seen(program, (body) => body);
    expect(await seen(program, (body) => compile(body))).toEqual(eager);
    expect(await seen(program, (body) => compile(body, { exact: true }))).toEqual(eager);
  });
});
