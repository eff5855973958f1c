import { backward, compile, type Device, mul, openDevice, scope, sum, tensor } from '@initlab/core';
import { Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

it('gradients add up over calls of a compiled step until they are forgotten, as they do op by op', async () => {
  const w = new Parameter([2], { device, value: 1 });
  const optimizer = new SGD([w], { lr: 0.1 });
  let recorded = 0;
  const gradient = compile(
    (x) => {
      recorded++;
      backward(sum(mul(w, x)));
    },
    { device },
  );
  const seen: number[][] = [];
  const call = async (x: number): Promise<void> => {
    scope(() => gradient(tensor([x, 2 * x], { device })));
    seen.push([...((await w.grad?.read()) ?? [])]);
  };
  await call(1);
  await call(2);
  await call(3);
  optimizer.zeroGrad();
  expect(w.grad).toBeUndefined();
  await call(4);
  await call(5);
  expect(seen).toEqual([
    [1, 2],
    [3, 6],
    [6, 12],
    [4, 8],
    [9, 18],
  ]);
  // Once to store, once to add.
  expect(recorded).toBe(2);
  // An update of its own, eager here, finds what a replay left.
  optimizer.step();
  const values = [...(await w.read())];
  expect(values[0]).toBeCloseTo(0.1, 6);
  expect(values[1]).toBeCloseTo(-0.8, 6);
  for (const part of [gradient, optimizer, w]) part.dispose();
});

it.each(['first', 'last'] as const)('a whole training step is recorded once, with gradients forgotten %s', async (when) => {
  const w = new Parameter([1], { device, value: 1 });
  const optimizer = new SGD([w], { lr: 0.1 });
  let recorded = 0;
  const step = compile(
    () => {
      recorded++;
      if (when === 'first') optimizer.zeroGrad();
      backward(sum(mul(w, 3)));
      optimizer.step();
      if (when === 'last') optimizer.zeroGrad();
    },
    { device },
  );
  for (let i = 0; i < 4; i++) step();
  expect(recorded).toBe(1);
  expect([...(await w.read())][0]).toBeCloseTo(-0.2, 6);
  expect(w.grad === undefined).toBe(when === 'last');
  for (const part of [step, optimizer, w]) part.dispose();
});
