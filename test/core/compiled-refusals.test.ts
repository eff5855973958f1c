import { addInto, backward, compile, grad, mul, noGrad, ones, sum, type Tensor, tensor } from '@initlab/core';
import { Parameter } from '@initlab/nn';
import { describe, expect, it } from 'vitest';
import { defaultDeviceOfTests } from '../support/default-device.js';
import { scopeOfEachTest } from '../support/scope-of-test.js';

type Wrap = <R>(body: (...inputs: Tensor[]) => R) => (...inputs: Tensor[]) => R;

const leaf = (...values: number[]): Parameter => {
  const made = new Parameter([values.length]);
  made.set(values);
  return made;
};

/** Functions that read what is outside them, in every way there is. */
const readers: Readonly<Record<string, (outside: Tensor) => (x: Tensor) => unknown>> = {
  'reads it': (a) => (x) => mul(x, a),
  'reads a view of it': (a) => (x) => mul(x, a.reshape([2])),
  'reads it without its history': (a) => (x) => mul(x, a.detach()),
  'writes to it': (a) => (x) => void noGrad(() => addInto(a, x)),
  'differentiates by it': (a) => (x) => grad(sum(mul(a, x)), [a])[0],
  'returns what it makes of it in the gradient’s pass': (a) => (x) => {
    const loss = sum(mul(mul(a, a), x));
    backward(loss);
    return loss;
  },
};

describe('a compiled function refuses', () => {
  defaultDeviceOfTests();
  scopeOfEachTest();

  it.each(Object.entries(readers))('what was disposed of, where it %s', (_, reader) => {
    const ways: Wrap[] = [(body) => body, (body) => compile(body), (body) => compile(body, { exact: true })];
    for (const wrap of ways) {
      const a = leaf(1, 2);
      const step = wrap(reader(a));
      for (let i = 0; i < 3; i++) step(ones([2]));
      a.dispose();
      expect(() => step(ones([2]))).toThrow(/was disposed \(made by parameter, shape \[2\]\)/);
      // And not by the recording that was there before.
      expect(() => step(ones([2]))).toThrow(/was disposed/);
    }
  });

  it('to call another one, recorded before or not: its results would stay as they were', () => {
    const inner = compile((x: Tensor) => mul(x, 2));
    const outer = compile((x: Tensor) => inner(x));
    expect(() => outer(ones([2]))).toThrow(/cannot be recorded inside another; call the inner one outside/);
    inner(ones([2]));
    expect(() => outer(ones([2]))).toThrow(/cannot be recorded inside another; call the inner one outside/);
  });

  it.each([
    ['reads', (given: Tensor) => (x: Tensor) => mul(x, given)],
    ['reads a view of', (given: Tensor) => (x: Tensor) => mul(x, given.reshape([2]))],
    ['returns', (given: Tensor) => () => given],
  ])('the former result of another, which it %s', async (_, reader) => {
    const made = compile((x: Tensor) => mul(x, 2));
    const given = made(tensor([1, 2]));
    const step = compile(reader(given));
    expect([...(await step(ones([2])).read())]).toEqual([2, 4]);
    expect([...(await step(ones([2])).read())]).toEqual([2, 4]);
    made(tensor([10, 20]));
    for (let i = 0; i < 2; i++)
      expect(() => step(ones([2]))).toThrow(/is a result of a compiled step .* that a later call has overwritten/);
  });

  it('to return what was disposed of', async () => {
    const a = tensor([1, 2]);
    const step = compile(() => a);
    expect([...(await step().read())]).toEqual([1, 2]);
    a.dispose();
    expect(() => step()).toThrow(/what the function returned was disposed/);
  });

  it('reads while it is recorded, be the values its own, given or from outside', () => {
    const outside = tensor([1]);
    const wanted: readonly [string, (x: Tensor) => unknown][] = [
      ['read', (x) => void x.read()],
      ['read', (x) => void mul(x, 2).read()],
      ['read', () => void outside.read()],
      ['item', (x) => void x.item()],
      ['item', () => void outside.item()],
    ];
    for (const [name, body] of wanted)
      expect(() => compile(body)(tensor([1]))).toThrow(`${name}: inside a compiled function no value is there to be read`);
    // Its promise is refused too, and nobody but this test would hear of it.
    expect(() => compile(async (x: Tensor) => mul(x, await x.item()))(tensor([1]))).toThrow('the function is async; return the tensors');
  });

  it('a gradient that it writes to and also gets as an input', () => {
    const w = leaf(1, 2);
    const step = compile((x: Tensor) => addInto(w.grad as Tensor, x));
    backward(sum(w));
    expect(() => step(w.grad as Tensor)).toThrow(/gradient of a leaf \[2\], which shares its bytes with input 0; pass a copy/);
  });
});
