import {
  add,
  addInto,
  backward,
  compile,
  copyInto,
  type Device,
  empty,
  full,
  keep,
  mul,
  ones,
  openDevice,
  relu,
  reshape,
  scope,
  sum,
  type Tensor,
  tensor,
  zeros,
} from '@initlab/core';
import { Parameter, SGD, stateTensor } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scopeOfEachTest } from '../support/scope-of-test.js';

type Body = (x: Tensor) => Tensor;

scopeOfEachTest();

describe.each([
  ['a CPU driver', {}],
  ['a GPU', { software: false, rolled: true, maxWorkgroupStorage: 8192 }],
])('what a compiled function makes, as planned for %s', (_, target) => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice({ target });
  });
  afterAll(() => device.close());

  /** Three calls with 1, 2, 3, op by op, compiled and compiled without rewrites. */
  const threeCalls = async (body: Body): Promise<number[][][]> => {
    const ways = [(x: Tensor) => scope(() => body(x)), compile(body, { device }), compile(body, { device, exact: true })];
    const found: number[][][] = [];
    for (const step of ways) {
      const seen: number[][] = [];
      for (const value of [1, 2, 3]) {
        const x = full([4], value, { device });
        seen.push([...(await step(x).read())]);
      }
      found.push(seen);
    }
    return found;
  };
  const bodies: readonly (readonly [string, Body])[] = [
    ['zeros, added to', (x) => addInto(zeros([4], { device }), x)],
    ['ones, added to twice', (x) => addInto(addInto(ones([4], { device }), x), x)],
    [
      'a filled tensor, overwritten and read before and after',
      (x) => {
        const made = full([4], 7, { device });
        const before = mul(made, 1);
        copyInto(made, x);
        return add(mul(before, 10), made);
      },
    ],
    ['numbers, added to', (x) => addInto(tensor([1, 2, 3, 4], { device }), x)],
    [
      'numbers, added to through a view',
      (x) => {
        const made = tensor([1, 2, 3, 4], { device });
        addInto(reshape(made, [2, 2]), reshape(x, [2, 2]));
        return relu(mul(made, -1)).add(made);
      },
    ],
    [
      'numbers that stay, beside those that do not',
      (x) => {
        const [stays, changes] = [tensor([1, 2, 3, 4], { device }), tensor([5, 6, 7, 8], { device })];
        addInto(changes, mul(stays, x));
        return add(changes, stays);
      },
    ],
    [
      'zeros of which only a sum is returned',
      (x) => {
        const total = zeros([4], { device });
        for (let k = 0; k < 3; k++) addInto(total, mul(x, k));
        return sum(total);
      },
    ],
    ['an empty tensor, written before it is read', (x) => addInto(copyInto(empty([4], { device }), x), x)],
    ['zeros, set', (x) => zeros([4], { device }).set([1, 2, 3, 4]).add(x)],
    ['a value, set and added to', (x) => addInto(mul(x, 2).set([1, 2, 3, 4]), x)],
    [
      'numbers, changed between two uses',
      (x) => {
        const made = tensor([1, 1, 1, 1], { device });
        const y = mul(x, made);
        addInto(made, y);
        return addInto(mul(x, made), y);
      },
    ],
    ['whole numbers', (x) => addInto(tensor(Int32Array.of(1, 2, 3, 4), { device }), x.to('i32')).to('f32')],
  ];
  it.each(bodies)('is made anew at every call: %s', async (__, body) => {
    const [eager, compiled, exact] = await threeCalls(body);
    expect(compiled).toEqual(eager);
    expect(exact).toEqual(eager);
  });

  it('is made anew where it is a leaf that learns', async () => {
    const [eager, compiled, exact] = await threeCalls((x) => {
      const w = tensor([1, 2, 3, 4], { device, requiresGrad: true });
      for (let k = 0; k < 2; k++) {
        w.zeroGrad();
        backward(sum(mul(mul(w, w), x)));
        addInto(w, mul(w.grad as Tensor, -0.25));
      }
      return w;
    });
    expect(compiled).toEqual(eager);
    expect(exact).toEqual(eager);
  });

  it('is as new when it was returned, whatever the caller did to it', async () => {
    const step = compile(() => ({ made: ones([2], { device }), given: tensor([3, 4], { device }) }), { device });
    for (let k = 0; k < 3; k++) {
      const { made, given } = step();
      expect([...(await made.read()), ...(await given.read())]).toEqual([1, 1, 3, 4]);
      addInto(made, given);
      addInto(given, made);
    }
  });

  it('costs no dispatch where nobody writes to it', () => {
    const step = compile((x) => add(mul(x, tensor([1, 2, 3, 4], { device })), ones([4], { device })), { device });
    step(full([4], 1, { device }));
    expect(step.stats().variants.filter((v) => /filled|copied/.test(v))).toEqual([]);
    expect(step.stats().dispatches).toBe(1);
  });

  it('stays where the function keeps it for later calls', async () => {
    const run = async (wrap: (body: () => Tensor) => () => Tensor): Promise<number[]> => {
      let total: Tensor | undefined;
      let state: Tensor | undefined;
      const step = wrap(() => {
        total ??= keep(zeros([1], { device }));
        state ??= stateTensor([1], { device, value: 2 });
        return mul(addInto(total, ones([1], { device })), addInto(state, ones([1], { device })));
      });
      const seen: number[] = [];
      for (let k = 0; k < 3; k++) seen.push(await step().item());
      return seen;
    };
    const eager = await run((body) => () => scope(body));
    expect(eager).toEqual([3, 8, 15]);
    expect(await run((body) => compile(body, { device }))).toEqual(eager);
  });

  it('is made anew where a leaf is given it for a gradient', async () => {
    for (const wrap of [(body: (x: Tensor) => void) => body, (body: (x: Tensor) => void) => compile(body, { device })]) {
      const w = new Parameter([2], { device });
      const step = wrap((x) => {
        w.grad = keep(tensor([1, 2], { device }));
        addInto(w.grad, x);
      });
      for (const value of [1, 2, 3]) {
        step(tensor([value, value], { device }));
        expect([...((await w.grad?.read()) ?? [])]).toEqual([1 + value, 2 + value]);
      }
    }
  });
});

describe('in a compiled function', () => {
  let device: Device;
  beforeAll(async () => {
    device = await openDevice();
  });
  afterAll(() => device.close());

  it('what is done in place to an input is done to the caller’s tensor', async () => {
    const step = compile((total, x) => void addInto(total, x), { device });
    const total = zeros([2], { device });
    for (let k = 1; k <= 3; k++) step(total, tensor([k, 1], { device }));
    expect([...(await total.read())]).toEqual([6, 3]);
    step(Float32Array.of(1, 2), tensor([1, 1], { device }));
    expect(() => step(total, total)).toThrow('writes to input 0, which shares its bytes with input 1; pass a copy');
  });

  it('set() of a tensor from outside is refused, and so is making an optimiser', () => {
    const w = new Parameter([2], { device });
    expect(() => compile(() => w.set([1, 2]), { device })()).toThrow(/set: a tensor \[2\] from outside a compiled function.*copyInto/);
    expect(() => compile(() => new SGD([w], { lr: 1 }).step(), { device })()).toThrow('make the optimiser before it');
  });

  it('memory of what is made anew is given back', () => {
    const before = device.memory.liveBytes;
    const step = compile((x) => addInto(tensor([1, 2, 3, 4], { device }), x), { device });
    using x = ones([4], { device });
    step(x).dispose();
    step(x).dispose();
    step.dispose();
    x.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });
});
