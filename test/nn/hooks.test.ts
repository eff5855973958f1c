import { readFileSync } from 'node:fs';
import { add, backward, compile, grad, keep, mul, noGrad, ones, scope, sum, type Tensor, tensor } from '@initlab/core';
import {
  deepCopy,
  type HookHandle,
  Identity,
  Linear,
  type Module,
  ReLU,
  registerForwardHook,
  registerForwardPreHook,
  registerFullBackwardHook,
  registerFullBackwardPreHook,
  Sequential,
  Tanh,
  withForwardHook,
} from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { differs } from '../support/close.js';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { parityFill } from '../support/parity-fill.js';
import { untyped } from '../support/untyped.js';

interface HookedCase {
  readonly wants: boolean;
  /** With full backward pre-hooks of the net. */
  readonly before: boolean;
  /** Hooks as they were called, with what they saw. */
  readonly seen: readonly (readonly [name: string, ...(readonly number[] | null)[]])[];
  readonly y: readonly number[];
  readonly grads: readonly (readonly number[])[];
  readonly second: readonly (readonly number[])[];
}
const { hooks: cases } = JSON.parse(readFileSync(new URL('../parity/modules.json', import.meta.url), 'utf8')) as { hooks: HookedCase[] };

defaultDeviceOfTests();
const numbers = async (x: Tensor | undefined): Promise<number[]> => [...((await x?.read()) ?? [])];
const seeded = (shape: readonly number[], seed: number): Tensor =>
  tensor(
    parityFill(
      shape.reduce((a, b) => a * b, 1),
      { seed },
    ),
    { shape },
  );

type Note = (name: string, ...tensors: (Tensor | undefined)[]) => void;

/** The net of parity_modules.py with its hooks, which tell `note` what they see. */
function hookedNet(note: Note, before: boolean): Sequential {
  const [first, tanh, head] = [new Linear(2, 3), new Tanh(), new Linear(3, 2)];
  const inner = new Sequential(first, tanh);
  const net = new Sequential(inner, head);
  for (const [k, p] of net.parameters().entries()) p.set(parityFill(p.size, { seed: 10 + k, scale: 0.5, shift: 0.1 }));
  const pre = (module: Module, name: string, f?: (x: Tensor) => Tensor): HookHandle =>
    registerForwardPreHook(module, (_, { input }) => {
      note(`pre ${name}`, input);
      return f?.(input);
    });
  const after = (module: Module, name: string, f?: (y: Tensor) => Tensor): HookHandle =>
    registerForwardHook(module, (_, { input, output }) => {
      note(`forward ${name}`, input, output);
      return f?.(output);
    });
  const back = (module: Module, name: string, f?: (g: Tensor) => Tensor): HookHandle =>
    registerFullBackwardHook(module, (_, { gradInput, gradOutput }) => {
      note(`backward ${name}`, gradInput, gradOutput);
      return gradInput && f?.(gradInput);
    });
  for (const [name, module] of Object.entries({ net, inner, first, tanh, head })) {
    pre(module, name);
    after(module, name);
    back(module, name);
  }
  pre(first, 'first, doubling', (x) => mul(x, 2));
  after(inner, 'inner, adding', (y) => add(y, 1));
  after(inner, 'inner, again');
  back(head, 'head, halving', (g) => mul(g, 0.5));
  const backPre = (name: string, f?: (g: Tensor) => Tensor): HookHandle =>
    registerFullBackwardPreHook(net, (_, { gradOutput }) => {
      note(`backward pre ${name}`, gradOutput);
      return f?.(gradOutput);
    });
  if (before) {
    backPre('net');
    backPre('net, doubling', (g) => mul(g, 2));
  }
  const gone = after(head, 'gone');
  gone.remove();
  gone.remove();
  return net;
}

describe.each(
  cases.map((c) => [`an input that wants ${c.wants ? 'a gradient' : 'none'}${c.before ? ', with pre-hooks of backward' : ''}`, c] as const),
)('hooks, of %s', (_, c) => {
  it.each([false, true])('see what PyTorch’s see, in its order (compiled: %s)', async (compiled) => {
    const names: string[] = [];
    const values: (Tensor | undefined)[] = [];
    const net = hookedNet((name, ...tensors) => {
      names.push(name);
      // A gradient lives as long as backward runs.
      values.push(...tensors.map((t) => t && noGrad(() => keep(mul(t, 1)))));
    }, c.before);
    const x = seeded([2, 2], 1).requiresGrad_(c.wants);
    const body = (): { out: Tensor[]; seen: Tensor[] } => {
      names.length = 0;
      values.length = 0;
      const y = net.forward(x);
      const asked = [...(c.wants ? [x] : []), ...net.parameters()];
      const first = grad(sum(mul(y, seeded([2, 2], 2))), asked, { createGraph: true });
      const seen = values.flatMap((t) => t ?? []);
      const nothing = asked.map((each) => mul(sum(each), 0));
      const total = [...first.map((g, k) => sum(mul(g, seeded(g.shape, 60 + k)))), ...nothing].reduce(add);
      const second = grad(total, asked);
      return { out: [y, ...first, ...second], seen };
    };
    const step = compiled ? compile(body) : body;
    await scope(async () => {
      const { out, seen } = step();
      expect(names).toEqual(c.seen.map(([name]) => name));
      const expected = c.seen.flatMap(([, ...tensors]) => tensors.flatMap((t) => (t ? [t] : [])));
      for (const [i, t] of seen.entries()) expect(differs(`seen ${i}`, await t.read(), expected[i] ?? [])).toBe('');
      for (const [i, t] of out.entries()) expect(differs(`out ${i}`, await t.read(), [c.y, ...c.grads, ...c.second][i] ?? [])).toBe('');
    });
    net.dispose();
  });
});

describe('a hook that comes or goes', () => {
  const plus =
    (n: number) =>
    (_: Module, { output }: { output: Tensor }) =>
      add(output, n);

  it('is in a compiled step from the next call on', async () => {
    const [layer, other] = [new ReLU(), new Identity()];
    let recorded = 0;
    const step = compile((x: Tensor) => {
      recorded++;
      return other.forward(layer.forward(x));
    });
    const x = ones([2]);
    expect(await numbers(step(x))).toEqual([1, 1]);
    const first = registerForwardHook(layer, plus(1));
    expect(await numbers(step(x))).toEqual([2, 2]);
    const second = registerForwardHook(layer, plus(10));
    expect(await numbers(step(x))).toEqual([12, 12]);
    first.remove();
    expect(await numbers(step(x))).toEqual([11, 11]);
    const scaling = registerForwardPreHook(other, (_, { input }) => mul(input, 2));
    expect(await numbers(step(x))).toEqual([22, 22]);
    second.remove();
    scaling.remove();
    expect(await numbers(step(x))).toEqual([1, 1]);
    expect(recorded).toBe(6);
    step(x);
    expect(recorded).toBe(6);
    expect(Object.hasOwn(layer, 'forward')).toBe(false);
    step.dispose();
  });

  it('goes at the end of a block, and prepend puts it first', async () => {
    const layer = new Identity();
    {
      using _doubling = registerForwardHook(layer, (_, { output }) => mul(output, 2));
      using _adding = registerForwardHook(layer, plus(3), { prepend: true });
      expect(await numbers(layer.forward(ones([1])))).toEqual([8]);
      // One for a body comes after those that are there.
      expect(await numbers(withForwardHook(layer, plus(5), () => layer.forward(ones([1]))))).toEqual([13]);
    }
    expect(await numbers(layer.forward(ones([1])))).toEqual([1]);
  });

  it('of backward belongs to the forwards made while it was there', async () => {
    const layer = new Identity();
    const x = ones([2]).requiresGrad_();
    const handle = registerFullBackwardHook(layer, (_, { gradInput }) => gradInput && mul(gradInput, 5));
    const y = layer.forward(x);
    handle.remove();
    backward(sum(y));
    backward(sum(layer.forward(x)));
    expect(await numbers(x.grad)).toEqual([6, 6]);
  });

  it('of backward does not see a gradient that passes the output by', async () => {
    class Leaky extends Identity {
      inside: Tensor | undefined;
      override forward(x: Tensor): Tensor {
        this.inside = mul(x, 2);
        return mul(x, 3);
      }
    }
    const leaky = new Leaky();
    const x = ones([1]).requiresGrad_();
    using _ = registerFullBackwardHook(leaky, (_, { gradInput }) => gradInput && mul(gradInput, 10));
    leaky.forward(x);
    backward(sum(leaky.inside as Tensor));
    expect(await numbers(x.grad)).toEqual([2]);
    backward(sum(leaky.forward(x)));
    expect(await numbers(x.grad)).toEqual([32]);
  });

  it('comes with a deep copy, which is then its own; one for a body does not', async () => {
    const layer = new Identity();
    const handle = registerForwardHook(layer, plus(1));
    const copy = withForwardHook(layer, plus(100), () => deepCopy(layer));
    handle.remove();
    expect(await numbers(copy.forward(ones([1])))).toEqual([2]);
    expect(await numbers(layer.forward(ones([1])))).toEqual([1]);
  });

  it('before backward replaces the gradient of the output, alone and in a copy, until it goes', async () => {
    const layer = new Identity();
    const handle = registerFullBackwardPreHook(layer, (_, { gradOutput }) => mul(gradOutput, 3));
    const copy = deepCopy(layer);
    const x = ones([1]).requiresGrad_();
    const step = compile(() => grad(sum(layer.forward(x)), [x])[0] as Tensor);
    const slope = async (module: Module): Promise<number[]> => numbers(grad(sum(module.forward(x)), [x])[0]);
    expect(await numbers(step())).toEqual([3]);
    handle.remove();
    expect(await numbers(step())).toEqual([1]);
    expect([await slope(layer), await slope(copy)]).toEqual([[1], [3]]);
    step.dispose();
  });
});

describe('is refused in words', () => {
  it('what is no module, no function, no option', () => {
    const hook = (): undefined => undefined;
    for (const register of [registerForwardHook, registerForwardPreHook, registerFullBackwardHook, registerFullBackwardPreHook]) {
      expect(() => register(untyped(Linear), hook)).toThrow(/takes a Module.*make one: new Linear/);
      expect(() => register(new Identity(), untyped('hook'))).toThrow(/takes what to run as a function/);
      expect(() => register(new Identity(), hook, untyped({ first: true }))).toThrow(/"?first"?/);
      expect(() => register(new Identity(), hook, { prepend: untyped(1) })).toThrow(/prepend is 1; give true or false/);
    }
  });

  it('one inside a compiled function', () => {
    const layer = new Identity();
    const step = compile((x: Tensor) => {
      registerForwardHook(layer, () => undefined);
      return layer.forward(x);
    });
    expect(() => step(ones([1]))).toThrow(/runs its JavaScript once.*register it outside, or use withForwardHook/);
  });

  it('an answer that is none', () => {
    const layer = new Identity();
    const x = ones([2]).requiresGrad_();
    {
      using _ = registerForwardHook(
        layer,
        untyped(async () => undefined),
      );
      expect(() => layer.forward(x)).toThrow(/a hook returned .*return a tensor, or nothing/);
    }
    using _ = registerFullBackwardHook(layer, () => ones([3]));
    expect(() => backward(sum(layer.forward(x)))).toThrow(/backward hook of Identity: returned .*\[3\].* for a gradient \[2\]/);
    expect(() => backward(sum(layer.forward(ones([2]).requiresGrad_())), { gradient: ones([]) })).toThrow(/return a tensor like it/);
    using _before = registerFullBackwardPreHook(
      layer,
      untyped(() => 3),
    );
    expect(() => backward(sum(layer.forward(x)))).toThrow(/backward hook of Identity: returned 3 for a gradient \[2\]/);
    const linear = new Linear(2, 1);
    using _none = registerFullBackwardHook(linear, () => ones([1, 2]));
    expect(() => backward(sum(linear.forward(ones([1, 2]))))).toThrow(/the input wants no gradient.*return nothing/);
  });
});
