import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compile, type Device, flatten, openDevice, relu, type Tensor, tensor, zeros } from '@initlab/core';
import { createModel } from '@initlab/models';
import {
  BatchNorm2d,
  Conv2d,
  Linear,
  type LoadableTensor,
  loadStateDict,
  Module,
  Parameter,
  parseSafetensors,
  readStateDict,
  SGD,
  StateDictError,
  type StateDictSource,
  saveStateDict,
  stateTensor,
} from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../lab/fixtures.js';
import { differs } from '../support/close.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());
const folder = temporaryFolder();

class Small extends Module {
  conv = new Conv2d(3, 4, { kernelSize: 3, padding: 1, bias: false, device });
  bn = new BatchNorm2d(4, { device });
  fc = new Linear(64, 5, { device });
  override forward(x: Tensor): Tensor {
    return this.fc.forward(flatten(relu(this.bn.forward(this.conv.forward(x)))));
  }
}
const image = (): Tensor =>
  tensor(
    Float32Array.from({ length: 96 }, (_, i) => Math.sin(i)),
    { shape: [2, 3, 4, 4], device },
  );
const script = path.join(import.meta.dirname, 'fixtures/torch_state_dict.py');
const fixture = new Uint8Array(readFileSync(path.join(import.meta.dirname, 'fixtures/torch-small.safetensors')));

describe('state dicts', () => {
  it('a file written with PyTorch loads strictly and gives PyTorch’s logits', async () => {
    const file = new Map(parseSafetensors(fixture).tensors);
    const expected = file.get('expected.logits')?.data as Float32Array;
    file.delete('expected.logits');
    const model = new Small();
    expect(loadStateDict(model, file)).toEqual({ missing: [], unexpected: [] });
    expect(model.bn.numBatchesTracked).toBe(3);
    // f32 sums of 64 and 27 products.
    expect(differs('logits', await model.eval().forward(image()).read(), expected, { absolute: 1e-6, relative: 1e-5 })).toBe('');
  });

  it('what we save has PyTorch’s names, order and types', async () => {
    const saved = parseSafetensors(await saveStateDict(new Small(), { metadata: { by: 'us' } }));
    const theirs = [...parseSafetensors(fixture).tensors].filter(([name]) => name !== 'expected.logits');
    expect([...saved.tensors].map(([name, { dtype, shape }]) => [name, dtype, shape])).toEqual(
      theirs.map(([name, { dtype, shape }]) => [name, dtype, shape]),
    );
    expect({ ...saved.metadata }).toEqual({ by: 'us' });
  });

  const python = ['/usr/bin/python3', 'python3'].find((p) => spawnSync(p, ['-c', 'import torch']).status === 0);
  it.runIf(python)(
    'PyTorch itself reads what we save (only where PyTorch is installed)',
    async () => {
      const model = new Small();
      const file = path.join(folder, 'ours.safetensors');
      writeFileSync(file, await saveStateDict(model));
      const { stdout, stderr, status } = spawnSync(python as string, [script, 'read', file], { encoding: 'utf8' });
      expect(stderr).not.toMatch(/Error/);
      expect(status).toBe(0);
      const logits = [...(await model.eval().forward(image()).read())] as number[];
      const sum = logits.reduce((a, b) => a + b * b, 0);
      expect(Math.abs(Number(stdout) - sum) / sum).toBeLessThan(1e-4);
    },
    300_000,
  );

  it('comes back whole: ResNet-20, with its running statistics and counters', async () => {
    const model = createModel('resnet20', { device });
    const x = tensor(
      Float32Array.from({ length: 2 * 3072 }, (_, i) => Math.cos(i)),
      { shape: [2, 3, 32, 32], device },
    );
    const step = compile(() => model.forward(x), { device });
    for (let i = 0; i < 4; i++) step();
    const other = createModel('resnet20', { device });
    loadStateDict(other, await saveStateDict(model));
    expect((other.modules().find((m) => m instanceof BatchNorm2d) as BatchNorm2d).numBatchesTracked).toBe(4);
    expect(await other.eval().forward(x).read()).toEqual(await model.eval().forward(x).read());
  });

  it('strict names everything that differs and changes nothing; otherwise what fits is loaded', async () => {
    const model = new Small();
    const file = new Map(parseSafetensors(await saveStateDict(new Small())).tensors);
    file.delete('fc.bias');
    file.set('head.weight', { dtype: 'F32', shape: [1], data: Float32Array.of(1) });
    const before = await model.fc.weight.read();
    expect(() => loadStateDict(model, file)).toThrow(/missing in the file: fc\.bias; unknown to the model: head\.weight/);
    expect(await model.fc.weight.read()).toEqual(before);
    expect(loadStateDict(model, file, { strict: false })).toEqual({ missing: ['fc.bias'], unexpected: ['head.weight'] });
    expect(await model.fc.weight.read()).toEqual(file.get('fc.weight')?.data);
    file.set('fc.weight', { dtype: 'F32', shape: [5, 63], data: new Float32Array(315) });
    expect(() => loadStateDict(model, file, { strict: false })).toThrow(StateDictError);
    expect(() => loadStateDict(model, file, { strict: false })).toThrow(/fc\.weight is \[5, 63\] in the file and \[5, 64\] in the model/);
  });
});

describe('loadStateDict takes', () => {
  it('another model’s tensors, also where both share an optimiser’s buffer, and its own', async () => {
    const [model, other] = [new Small(), new Small()];
    const optimizer = new SGD([...model.parameters(), ...other.parameters()], { lr: 1 });
    loadStateDict(model, other.stateDict());
    expect(await saveStateDict(model)).toEqual(await saveStateDict(other));
    loadStateDict(model, model.stateDict());
    expect(await model.fc.weight.read()).toEqual(await other.fc.weight.read());
    optimizer.dispose();
  });

  it('what readStateDict and a fetch give', async () => {
    const [model, other] = [new Small(), new Small()];
    other.bn.numBatchesTracked = 7;
    loadStateDict(model, await readStateDict(other));
    expect(model.bn.numBatchesTracked).toBe(7);
    expect(await saveStateDict(model)).toEqual(await saveStateDict(other));
    const bytes: ArrayBuffer = (await saveStateDict(new Small())).buffer;
    expect(loadStateDict(model, bytes)).toEqual({ missing: [], unexpected: [] });
  });

  it.each<[string, (model: Module) => unknown, RegExp]>([
    ['a path', () => 'model.safetensors', /got the text "model\.safetensors"; of a file give the bytes: await readFile\(path\)/],
    ['a promise', (model) => saveStateDict(model), /got Promise; await it first/],
    ['an object', (model) => Object.fromEntries(model.stateDict()), /a Map of tensors by name, got Object/],
    ['nothing', () => undefined, /got undefined/],
    ['a Map of numbers', () => new Map([['fc.bias', 3]]), /fc\.bias is neither a Tensor nor a shape with data/],
    ['too few numbers', () => new Map([['fc.bias', { shape: [5], data: [1] }]]), /fc\.bias has 1 numbers for the shape \[5\]/],
    ['numbers as text', () => new Map([['fc.bias', { shape: [1], data: ['1'] }]]), /fc\.bias holds something other than numbers/],
  ])('but not %s', async (_, source, message) => {
    const model = new Small();
    const given = source(model) as StateDictSource;
    expect(() => loadStateDict(model, given)).toThrow(message);
    await given;
  });
});

describe('what loadStateDict cannot load is found before anything is set', () => {
  it.each<[string, (file: Map<string, LoadableTensor>) => unknown, RegExp]>([
    ['a disposed tensor', (file) => file.set('fc.bias', disposed()), /fc\.bias was disposed in the model it is of/],
    [
      'integers on the device',
      (file) => file.set('fc.bias', zeros([5], { device, dtype: 'i32' })),
      /fc\.bias is i32 where the model has f32/,
    ],
    [
      'half a count',
      (file) => file.set('bn.num_batches_tracked', { shape: [], data: [0.5] }),
      /num_batches_tracked is 0\.5, which is no count/,
    ],
    [
      'counts',
      (file) => file.set('bn.num_batches_tracked', { shape: [2], data: [1, 2] }),
      /num_batches_tracked is \[2\] in the file and \[\]/,
    ],
  ])('%s', async (_, spoil, message) => {
    const model = new Small();
    const before = await readStateDict(model);
    const file = new Map<string, LoadableTensor>(await readStateDict(new Small()));
    spoil(file);
    expect(() => loadStateDict(model, file, { strict: false })).toThrow(StateDictError);
    expect(() => loadStateDict(model, file, { strict: false })).toThrow(message);
    expect(await readStateDict(model)).toEqual(before);
  });

  const disposed = (): Tensor => {
    const x = zeros([5], { device });
    x.dispose();
    return x;
  };

  it('of a tensor on another device', async () => {
    const elsewhere = await openDevice();
    const file = new Map<string, LoadableTensor>([['fc.bias', zeros([5], { device: elsewhere })]]);
    expect(() => loadStateDict(new Small(), file, { strict: false })).toThrow(/fc\.bias is on another device: read it first/);
    await elsewhere.close();
  });
});

describe('what a module consists of', () => {
  class Own extends Module {
    scales = [new Parameter([1], { device, value: 2 }), new Parameter([1], { device, value: 3 })];
    blocks = [new Linear(2, 2, { device, bias: false })];
    shift = stateTensor([2], { device }).set([4, 5]);
    last: Tensor | undefined;
    override forward(x: Tensor): Tensor {
      this.last = x;
      return x;
    }
  }

  it('parameters, state and modules, also in arrays; a tensor kept by forward is none of it', async () => {
    const model = new Own();
    const x = tensor([1, 2], { device });
    model.forward(x);
    x.dispose();
    expect([...model.stateDict().keys()]).toEqual(['scales.0', 'scales.1', 'shift', 'blocks.0.weight']);
    expect(model.parameters()).toHaveLength(3);
    expect([...model.namedBuffers()].map(([name]) => name)).toEqual(['shift']);
    const saved = parseSafetensors(await saveStateDict(model)).tensors;
    expect([...(saved.get('shift')?.data ?? [])]).toEqual([4, 5]);
  });

  it.each<[string, () => unknown]>([
    ['a Map', () => new Map([['a', new Linear(1, 1, { device })]])],
    ['a Set', () => new Set([new Parameter([1], { device })])],
    ['a plain object', () => ({ a: new Linear(1, 1, { device }) })],
    ['an array in an array', () => [[new Linear(1, 1, { device })]]],
  ])('%s that holds some is refused, not overlooked', (_, make) => {
    const model = Object.assign(new Own(), { held: make() });
    expect(() => model.parameters()).toThrow(/Own: field held holds modules or parameters where they are not found; keep them in .* array/);
  });

  it('a disposed one is named when it is saved', async () => {
    const model = new Small();
    model.fc.bias?.dispose();
    await expect(saveStateDict(model)).rejects.toThrow('fc.bias was disposed');
  });

  it('new Parameter says that it takes a shape', () => {
    expect(() => new Parameter(3 as unknown as number[])).toThrow(/Parameter: takes a shape such as \[64, 3\], got number/);
  });
});
