import { compile, type Device, FlatParameters, Generator, HostValue, openDevice, Scope, setDefaultDevice, tensor } from '@initlab/core';
import { Adam, Dropout, Linear, LossScaler, Parameter, Sequential } from '@initlab/nn';
import { afterAll, beforeAll, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice({ label: 'json' });
  setDefaultDevice(device);
});
afterAll(() => device.close());

it('JSON.stringify says what a thing is, in a line, without values and innards', () => {
  const model = new Sequential(new Linear(8, 4), new Linear(4, 2));
  const step = compile((x) => x.add(1));
  step(tensor([1]));
  const texts: Record<string, string> = {
    optimizer: JSON.stringify(new Adam(model.parameters(), { lr: 0.5 })),
    model: JSON.stringify(model),
    device: JSON.stringify(device),
    tensor: JSON.stringify(tensor([1, 2])),
    generator: JSON.stringify(new Generator(3)),
    flat: JSON.stringify(new FlatParameters([new Parameter([3])])),
    withStep: JSON.stringify({ step }),
    layer: JSON.stringify(new Dropout(0.5)),
    scaler: JSON.stringify(new LossScaler()),
    counter: JSON.stringify(new HostValue(1)),
    scope: JSON.stringify(new Scope()),
    storage: JSON.stringify(tensor([1]).storage),
  };
  for (const [name, text] of Object.entries(texts)) expect([name, text.length < 500]).toEqual([name, true]);
  expect(texts.optimizer).toBe('{"optimizer":"Adam","lr":0.5,"steps":0,"parameters":4}');
  expect(texts.model).toBe('{"module":"Sequential","parameters":46,"training":true}');
  expect(texts.generator).toBe('{"seed":3,"stream":0,"offset":0}');
  expect(texts.withStep).toBe('{}');
});
