import {
  add,
  addInto,
  batchNorm,
  compile,
  copyInto,
  type Device,
  FlatParameters,
  flatten,
  InitlabError,
  mul,
  ones,
  openDevice,
  reshape,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { Parameter } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

const given = [1, 2, 3, 4];
const list = async (x: Tensor): Promise<number[]> => [...(await x.read())];
/** A change of `x` in place, op by op and in a compiled step, and what is left. */
async function both(change: (x: Tensor) => void): Promise<number[][]> {
  const [eager, compiled] = [tensor(given, { device }), tensor(given, { device })];
  change(eager);
  const step = compile(() => change(compiled), { device });
  step();
  return [await list(eager), await list(compiled)];
}

describe('a tensor written from itself, as in PyTorch', () => {
  const cases: [string, (x: Tensor) => void, number[]][] = [
    ['copyInto(a, a) changes nothing', (x) => copyInto(x, x), given],
    ['copyInto of a view of all of it', (x) => copyInto(reshape(x, [2, 2]), reshape(x, [2, 2])), given],
    ['addInto(a, a) doubles', (x) => addInto(x, x), [2, 4, 6, 8]],
    ['addInto of a view of all of it', (x) => addInto(x, flatten(reshape(x, [2, 2]), 0)), [2, 4, 6, 8]],
    ['addInto twice', (x) => addInto(addInto(x, x), x), [4, 8, 12, 16]],
    ['beside other work', (x) => addInto(x, mul(addInto(x, x), 3)), [8, 16, 24, 32]],
  ];
  it.each(cases)('%s', async (_, change, wanted) => {
    expect(await both(change)).toEqual([wanted, wanted]);
  });

  it('images that lie channels last', async () => {
    const image = tensor(given, { shape: [1, 2, 1, 2], format: 'channelsLast', device });
    copyInto(image, image);
    addInto(image, image);
    expect(await list(image)).toEqual([2, 4, 6, 8]);
  });

  it('what does not fit is refused all the same', () => {
    const x = tensor(given, { device });
    expect(() => copyInto(x, reshape(x, [2, 2]))).toThrow('copyInto: source [2, 2] does not have the shape [4]');
    x.dispose();
    expect(() => copyInto(x, x)).toThrow(/copyInto: operand dst was disposed/);
  });
});

describe('parts of one buffer', () => {
  const parameters = (): Parameter[] => [given, [5, 6, 7, 8]].map((values) => new Parameter([4], { device }).set(values));

  it('a parameter is copied into its neighbour of the same flat vector', async () => {
    for (const compiled of [false, true]) {
      const [a, b] = parameters() as [Parameter, Parameter];
      const flat = new FlatParameters([a, b]);
      const change = (): void => {
        copyInto(a, b);
        addInto(b, a);
      };
      if (compiled) compile(change, { device })();
      else change();
      expect(await list(a)).toEqual([5, 6, 7, 8]);
      expect(await list(b)).toEqual([10, 12, 14, 16]);
      flat.dispose();
    }
  });

  it('the whole of a vector of one parameter is that parameter', async () => {
    const one = new Parameter([64], { device, value: 3 });
    const flat = new FlatParameters([one]);
    copyInto(flat.values, one);
    addInto(one, flat.values);
    expect((await list(one)).every((v) => v === 6)).toBe(true);
    flat.dispose();
  });
});

describe('what an op writes in place and reads as another operand is refused in words', () => {
  it('running statistics that are one tensor', () => {
    const x = ones([4, 4], { device });
    const running = ones([4], { device });
    const views: [Tensor, Tensor][] = [
      [running, running],
      [running, flatten(reshape(running, [2, 2]), 0)],
    ];
    for (const [runningMean, runningVar] of views)
      for (const run of [
        () => batchNorm(x, { training: true, runningMean, runningVar }),
        compile(() => sum(batchNorm(x, { training: true, runningMean, runningVar })), { device }),
      ]) {
        expect(run).toThrow(InitlabError);
        expect(run).toThrow('runningMean is written in place, and runningVar shares its memory; give each a tensor of its own');
      }
    expect(() => add(running, running)).not.toThrow();
  });

  it('tensors that share a part of their memory', () => {
    const flat = new FlatParameters([1, 2, 3].map((value) => new Parameter([64], { device, value })));
    const [first, last] = [flat.part(flat.values, { from: 0, to: 2 }), flat.part(flat.values, { from: 1, to: 3 })];
    const cases: readonly (readonly [() => unknown, string])[] = [
      [() => copyInto(first, last), 'copyInto: source and destination share a part of their memory; copy the source first'],
      [() => addInto(last, first), 'addInto: source and destination share a part of their memory; copy the source first'],
      [
        () => batchNorm(ones([2, 128], { device }), { training: true, runningMean: first, runningVar: last }),
        'runningMean is written in place, and runningVar shares its memory',
      ],
    ];
    for (const [change, words] of cases) for (const run of [change, compile(() => void change(), { device })]) expect(run).toThrow(words);
    // A copy of the source is what the error tells to make.
    expect(() => copyInto(first, mul(last, 1))).not.toThrow();
    flat.dispose();
  });
});
