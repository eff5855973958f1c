import {
  add,
  addInto,
  backward,
  compile,
  copyInto,
  defaultGenerator,
  empty,
  Generator,
  HostValue,
  hostNumbers,
  hostUntouched,
  keep,
  manualSeed,
  mul,
  noGrad,
  rand,
  reshape,
  sum,
  type Tensor,
  tensor,
  withDefaultGenerator,
  zeros,
} from '@initlab/core';
import { BatchNorm2d, Dropout, type ForwardHook, Linear, normal_, Parameter, uniform_, withForwardHook } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { scopeOfEachTest } from '../support/scope-of-test.js';

type Step = (x: Tensor) => Tensor;
/** A function with the state around it. */
type Program = () => Step;

const square = (x: Tensor): Tensor => reshape(x, [2, 2]);

/** Numbers of the host that a function moves: made outside, made at every call, made at the first call and kept. */
const programs: Readonly<Record<string, Program>> = {
  'a generator made inside': () => (x) => {
    const generator = new Generator(4);
    return add(mul(x, rand([4], { generator })), rand([4], { generator }));
  },
  'a generator made at the first call': () => {
    let generator: Generator | undefined;
    return (x) => {
      generator ??= new Generator(4);
      return add(x, rand([4], { generator }));
    };
  },
  'a fork of a generator': () => {
    const generator = new Generator(4);
    return (x) => add(x, rand([4], { generator: generator.fork(3) }));
  },
  'a default generator for a while, then the one outside': () => {
    const own = new Generator(5);
    return (x) =>
      add(
        withDefaultGenerator(own, () => add(x, rand([4]))),
        rand([4]),
      );
  },
  'a new default generator for a while': () => (x) => withDefaultGenerator(new Generator(3), () => add(x, rand([4]))),
  'manualSeed between two draws': () => (x) => {
    const before = mul(x, rand([4]));
    manualSeed(3);
    return add(before, rand([4]));
  },
  'the host’s draws beside kernels’': () => {
    const generator = new Generator(5);
    return (x) => {
      const [a, u] = [rand([4], { generator }), generator.uniform()];
      const [b, v] = [rand([4], { generator }), generator.normal() + generator.integer(9)];
      return add(mul(add(x, a), u), mul(b, v));
    };
  },
  'where a generator stands': () => {
    const generator = new Generator(5);
    return (x) => add(mul(x, rand([4], { generator })), generator.state.offset);
  },
  'normal_ and uniform_': () => {
    const generator = new Generator(5);
    return (x) => {
      const [a, b] = [empty([4]), empty([4])];
      normal_(a);
      uniform_(b, { generator });
      return add(add(x, a), b);
    };
  },
  'a dropout layer made inside': () => (x) => new Dropout(0.5, { generator: new Generator(8) }).forward(x),
  'a dropout layer made inside, seeded by the default generator': () => (x) => new Dropout(0.5).forward(x),
  'a dropout layer made at the first call': () => {
    let layer: Dropout | undefined;
    return (x) => {
      layer ??= new Dropout(0.5);
      return layer.forward(x);
    };
  },
  'running statistics of a norm made inside': () => (x) => {
    const norm = new BatchNorm2d(2);
    const y = norm.forward(square(x));
    norm.eval();
    return add(norm.forward(y), norm.runningVar as Tensor);
  },
  'a cumulative average of a norm made inside': () => (x) => {
    const norm = new BatchNorm2d(2, { momentum: null });
    norm.forward(square(x));
    norm.forward(mul(square(x), 2));
    return add(norm.runningMean as Tensor, 0);
  },
  'the same of a norm made at the first call': () => {
    let norm: BatchNorm2d | undefined;
    return (x) => {
      norm ??= new BatchNorm2d(2, { momentum: null });
      norm.forward(square(x));
      return add(norm.runningMean as Tensor, 0);
    };
  },
  'what keep was given at every call': () => (x) => add(addInto(keep(zeros([4])), x), 0),
  'what keep was given at the first call': () => {
    let kept: Tensor | undefined;
    return (x) => {
      kept ??= keep(zeros([4]));
      return add(addInto(kept, x), 0);
    };
  },
  'what an op makes at the first call and keep holds': () => {
    let average: Tensor | undefined;
    return (x) => {
      average ??= keep(mul(x, 1));
      copyInto(average, add(mul(average, 0.5), x));
      return add(average, 0);
    };
  },
  'a momentum that begins with the first gradient': () => {
    const a = tensor([1, 2, 3, 4]).requiresGrad_();
    let momentum: Tensor | undefined;
    return (x) => {
      a.zeroGrad();
      backward(sum(mul(mul(a, a), x)));
      const g = a.grad as Tensor;
      if (momentum) copyInto(momentum, add(mul(momentum, 0.9), g));
      else momentum = keep(mul(g, 1));
      noGrad(() => addInto(a, mul(momentum as Tensor, -0.1)));
      return add(a, 0);
    };
  },
  'what keep is given anew at every call': () => {
    let last = tensor([0, 0, 0, 0]);
    return (x) => {
      last = keep(add(mul(last, 0.5), x));
      return mul(last, 2);
    };
  },
  'a parameter made inside and stepped': () => (x) => {
    const w = new Parameter([4]).set([1, 2, 3, 4]);
    backward(sum(mul(w, x)));
    noGrad(() => addInto(w, w.grad as Tensor));
    return add(w, 0);
  },
  'the weights of a layer made at every call': () => (x) => new Linear(4, 2).forward(reshape(x, [1, 4])),
  'a counter made inside': () => (x) => {
    const counter = new HostValue(1);
    const now = () => hostNumbers({ device: x.device, count: 1, dtype: 'f32', label: 'count' }, () => [counter.value]);
    const first = now();
    counter.change((n) => n + 1);
    return add(mul(x, first), now());
  },
};

describe('state of the host in a compiled function: as where its body runs at every call', () => {
  defaultDeviceOfTests();
  scopeOfEachTest();

  /** Four calls, and where they leave the default generator. */
  const seen = async (program: Program, wrap: (body: Step) => Step): Promise<unknown[]> => {
    manualSeed(11);
    const step = wrap(program());
    const all: unknown[] = [];
    for (const i of [1, 2, 3, 4]) all.push([...(await step(tensor([1, 2, 3, i])).read())], defaultGenerator().state);
    return all;
  };
  it.each(Object.entries(programs))('%s', async (_, program) => {
    const eager = await seen(program, (body) => body);
    expect(await seen(program, (body) => compile(body, { exact: true }))).toEqual(eager);
  });

  it('hostUntouched puts back what calls of a compiled function counted', async () => {
    const generator = new Generator(7);
    const layer = new Dropout(0.5, { generator: new Generator(8) });
    const step = compile((x: Tensor) => layer.forward(add(x, rand([4], { generator }))));
    const x = tensor([1, 2, 3, 4]);
    step(x);
    const before = [generator.state, layer.step];
    hostUntouched(() => void step(x));
    expect([generator.state, layer.step]).toEqual(before);
  });

  it('leaves the modes that the function sets, at every call', () => {
    const [layer, w] = [new Dropout(0.5), new Parameter([4])];
    const step = compile((x: Tensor) => {
      layer.eval();
      w.requiresGrad_(false);
      return layer.forward(add(x, w));
    });
    for (let i = 0; i < 3; i++) {
      layer.train();
      w.requiresGrad_();
      step(tensor([1, 2, 3, 4]));
      expect([layer.training, w.requiresGrad]).toEqual([false, false]);
    }
  });

  it('forgets the hooks of a forward that were there when it was recorded', async () => {
    const layer = new Linear(2, 2);
    const step = compile((x: Tensor) => layer.forward(x));
    const x = tensor([1, 2], { shape: [1, 2] });
    const seen = async (y: Tensor): Promise<number[]> => [...(await y.read())];
    const plain = await seen(layer.forward(x));
    const doubled = plain.map((v) => v * 2);
    const twice: ForwardHook = (_, { output }) => mul(output, 2);
    expect(await seen(withForwardHook(layer, twice, () => step(x)))).toEqual(doubled);
    for (let i = 0; i < 2; i++) expect(await seen(step(x))).toEqual(plain);
    // One that the function attaches itself is there at every call, and recorded once.
    let recorded = 0;
    const hooking = compile((x: Tensor) => {
      recorded++;
      return withForwardHook(layer, twice, () => layer.forward(x));
    });
    for (let i = 0; i < 3; i++) expect(await seen(hooking(x))).toEqual(doubled);
    expect(recorded).toBe(1);
  });

  it('prepare makes the recording that the first call runs, and leaves everything where it was', async () => {
    const generator = new Generator(7);
    const step = compile((x: Tensor) => add(mul(x, generator.uniform()), rand([4], { generator })));
    const x = tensor([1, 2, 3, 4]);
    await step.prepare(x);
    expect(generator.state.offset).toBe(0);
    const other = new Generator(7);
    const eager = add(mul(x, other.uniform()), rand([4], { generator: other }));
    expect(await step(x).read()).toEqual(await eager.read());
    expect(generator.state).toEqual(other.state);
  });
});
