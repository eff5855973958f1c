import { add, addInto, copyInto, full, keep, mul, noGrad, ones, sub, type Tensor, tensor } from '@initlab/core';
import type { Parameter } from '@initlab/nn';
import { compiledLikeEager, leaf, type Programs } from './support/like-eager.js';

/** What a compiled function shares with the code around it by its inputs, by what it returns and by what it keeps. */
const programs: Programs = {
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

compiledLikeEager('inputs, results, constants', programs);
