import {
  backward,
  cat,
  compile,
  type Device,
  dropout,
  Generator,
  HostValue,
  hostNumbers,
  mul,
  narrow,
  ones,
  openDevice,
  Scope,
  scope,
  square,
  sum,
  type Tensor,
  tensor,
} from '@initlab/core';
import { ResidentDataset } from '@initlab/data';
import { Adam, AdamW, Dropout, type Optimizer, Parameter, SGD } from '@initlab/nn';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { differs } from '../support/close.js';

let device: Device;
beforeAll(async () => {
  device = await openDevice();
});
afterAll(() => device.close());

type Body = (x: Tensor) => Tensor;
const ways: Readonly<Record<string, (body: Body) => (x: Tensor) => Tensor>> = {
  eager: (body) => (x) => scope(() => body(x)),
  compiled: (body) => compile(body, { device }),
  'compiled, exact': (body) => compile(body, { device, exact: true }),
};
const done = (step: object): void => {
  if ('dispose' in step) (step.dispose as () => void)();
};
/** What three calls give each way; the body and what it uses are made anew for each. */
async function calls(make: () => Body, x: Tensor): Promise<Record<string, number[][]>> {
  const found: Record<string, number[][]> = {};
  for (const [way, wrap] of Object.entries(ways)) {
    using _ = new Scope();
    const step = wrap(make());
    const seen: number[][] = [];
    for (let i = 0; i < 3; i++) {
      const y = step(x);
      seen.push([...(await y.read())]);
      y.dispose();
    }
    found[way] = seen;
    done(step);
  }
  return found;
}
const sameEveryWay = (found: Record<string, number[][]>): void => {
  expect(found.compiled).toEqual(found.eager);
  expect(found['compiled, exact']).toEqual(found.eager);
};

describe('dropout', () => {
  it('used twice in a step draws twice, and each gradient has the mask of its own forward', async () => {
    const x = ones([1, 64], { device });
    const found = await calls(() => {
      const drop = new Dropout(0.5, { generator: new Generator(3) });
      const w = tensor([1], { device, requiresGrad: true });
      return (a) => {
        w.zeroGrad();
        const product = mul(a, w);
        const [first, second] = [drop.forward(product), drop.forward(product)];
        const weighted = [mul(first, 1), mul(second, 1000)].map((y) => sum(y));
        for (const y of weighted) backward(y, { retainGraph: true });
        return cat([first.reshape([64]), second.reshape([64]), (w.grad as Tensor).reshape([1])]);
      };
    }, x);
    sameEveryWay(found);
    const masks = (found.eager ?? []).flatMap((values) => [values.slice(0, 64), values.slice(64, 128)]);
    expect(new Set(masks.map(String)).size).toBe(6);
    found.eager?.forEach((values, i) => {
      const total = (k: number): number => (masks[2 * i + k] as number[]).reduce((a, b) => a + b, 0);
      expect(values[128]).toBe(total(0) + 1000 * total(1));
    });
  });

  it('draws a mask for each part of a batch', async () => {
    const x = ones([4, 32], { device });
    const found = await calls(() => {
      const drop = new Dropout(0.5, { generator: new Generator(4) });
      return (a) => cat([0, 1, 2, 3].map((start) => drop.forward(narrow(a, { dim: 0, start, length: 1 }))));
    }, x);
    sameEveryWay(found);
    const rows = (found.compiled ?? []).flatMap((values) => [0, 1, 2, 3].map((row) => String(values.slice(32 * row, 32 * row + 32))));
    expect(new Set(rows).size).toBe(12);
  });

  it('used once a step draws by seed and step, as it always did', async () => {
    const x = ones([1, 64], { device });
    const found = await calls(() => {
      const drop = new Dropout(0.5, { generator: new Generator(5) });
      return (a) => drop.forward(a);
    }, x);
    const seed = new Generator(5).uint32();
    const plain: number[][] = [];
    for (let step = 0; step < 3; step++) {
      const rng = tensor(Uint32Array.of(seed, 0, step, 0), { device });
      plain.push([...(await dropout(x, { p: 0.5, rng, stream: 0x44524f50 }).read())]);
    }
    expect(found.eager).toEqual(plain);
    sameEveryWay(found);
  });

  it('counts its uses, and goes on from where it is set', async () => {
    const x = ones([1, 64], { device });
    const drop = new Dropout(0.5, { generator: new Generator(6) });
    const step = compile((a) => cat([drop.forward(a), drop.forward(a)]), { device });
    await step.prepare(x);
    expect(drop.step).toBe(0);
    const first = await step(x).read();
    expect(drop.step).toBe(2);
    step(x);
    expect(drop.step).toBe(4);
    drop.step = 0;
    expect(await step(x).read()).toEqual(first);
  });
});

it('a resident data set gives two views of a batch, each with random numbers of its own', async () => {
  const images = Uint8Array.from({ length: 4 * 36 }, (_, i) => (i * 53) % 256);
  const dataset = { name: 'made', classes: ['a', 'b'], channels: 1, height: 6, width: 6, mean: [0.5], std: [0.25], origin: 'test' };
  const split = { images, labels: Uint8Array.of(0, 1, 0, 1), count: 4 };
  const index = tensor(Int32Array.of(2, 0, 3), { device });
  const found = await calls(() => {
    const data = new ResidentDataset(dataset, split, { device, augmentation: { cropPadding: 2, flip: true }, seed: 7 });
    return (i) => cat([data.batch(i).images, data.batch(i).images]);
  }, index);
  sameEveryWay(found);
  const views = (found.compiled ?? []).flatMap((values) => [values.slice(0, 108), values.slice(108)]);
  expect(new Set(views.map(String)).size).toBe(6);
});

const optimisers: readonly (readonly [string, (params: readonly Tensor[]) => Optimizer])[] = [
  ['SGD', (p) => new SGD(p, { lr: 0.1 })],
  ['SGD with momentum', (p) => new SGD(p, { lr: 0.1, momentum: 0.9 })],
  ['SGD with Nesterov’s momentum', (p) => new SGD(p, { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.1 })],
  ['SGD with dampening', (p) => new SGD(p, { lr: 0.1, momentum: 0.9, dampening: 0.5 })],
  ['Adam', (p) => new Adam(p, { lr: 0.1 })],
  ['AdamW', (p) => new AdamW(p, { lr: 0.1 })],
];
/** One update of a quadratic loss. */
const update = (optimizer: Optimizer, weights: readonly Tensor[], x: Tensor): void => {
  optimizer.zeroGrad();
  for (const w of weights) backward(sum(mul(square(w), x)));
  optimizer.step();
};
/** Chains of pointwise ops round differently in one kernel. */
const bound = { absolute: 1e-6, relative: 1e-5 };

describe.each(optimisers)('%s, several updates in a step', (_, make) => {
  const compare = async (body: (optimizer: Optimizer, weights: readonly Tensor[], x: Tensor) => void): Promise<void> => {
    const found = await calls(
      () => {
        const weights = [
          [1, -2],
          [0.5, 3],
        ].map((values) => new Parameter([2], { device }).set(values));
        const optimizer = make(weights);
        return (x) => {
          body(optimizer, weights, x);
          return cat([...weights]);
        };
      },
      tensor([1, 0.5], { device }),
    );
    for (const way of ['compiled', 'compiled, exact'])
      found[way]?.forEach((values, i) => expect(differs(`${way}, call ${i}`, values, found.eager?.[i] ?? [], bound)).toBe(''));
  };

  it('have each their bias corrections and first step', () =>
    compare((optimizer, weights, x) => {
      for (let k = 0; k < 3; k++) update(optimizer, weights, x);
    }));

  it('have each their learning rate and factor of the gradient', () =>
    compare((optimizer, weights, x) => {
      for (const [k, rate] of [0.1, 0.05, 0.3].entries()) {
        optimizer.lr = rate;
        optimizer.gradScale = k === 1 ? 0.5 : 1;
        update(optimizer, weights, x);
      }
    }));

  it('count what each parameter had a part in', () =>
    compare((optimizer, weights, x) => {
      const [first, second] = weights as [Tensor, Tensor];
      update(optimizer, [first], x);
      update(optimizer, [first, second], x);
      update(optimizer, [second], x);
    }));

  it('follow a schedule of the steps taken', () =>
    compare((optimizer, weights, x) => {
      for (let k = 0; k < 2; k++) {
        optimizer.lr = 0.2 / (1 + optimizer.steps);
        update(optimizer, weights, x);
      }
    }));
});

it('clips by the factor that is in force', async () => {
  const norms: Record<string, number[]> = {};
  for (const [way, wrap] of Object.entries(ways)) {
    const w = new Parameter([2], { device });
    const optimizer = new SGD([w], { lr: 1 });
    const step = wrap((x) => {
      optimizer.zeroGrad();
      backward(sum(mul(w, x)));
      optimizer.clipGradNorm(1);
      optimizer.step();
      return w.add(0);
    });
    norms[way] = [];
    for (const factor of [1, 0.5, 0.25, 0.5]) {
      w.set([0, 0]);
      optimizer.gradScale = factor;
      norms[way]?.push(Math.hypot(...(await step(tensor([3, 4], { device })).read())));
    }
  }
  for (const way of Object.keys(ways)) expect(differs(way, norms[way] ?? [], [1, 1, 1, 1], { absolute: 2e-6, relative: 0 })).toBe('');
});

describe('hostNumbers', () => {
  it('are uploaded together, in one write a call', () => {
    const drop = new Dropout(0.5, { generator: new Generator(8) });
    const step = compile((a) => cat([drop.forward(a), drop.forward(a), drop.forward(a)]), { device });
    const x = ones([1, 64], { device });
    step(x);
    const writes = vi.spyOn(device, 'writeRegion');
    step(x);
    expect(writes).toHaveBeenCalledTimes(1);
    writes.mockRestore();
  });

  it('serve many uses, and give their memory back', async () => {
    const before = device.memory.liveBytes;
    let asked = 0;
    const numbers = (): Tensor => hostNumbers({ device, count: 1, dtype: 'f32', label: 'count' }, () => [++asked]);
    const step = compile(() => cat(Array.from({ length: 40 }, numbers)), { device });
    await step.prepare();
    expect(asked).toBe(0);
    const wanted = (first: number): Float32Array => Float32Array.from({ length: 40 }, (_, i) => first + i);
    for (const first of [1, 41]) {
      const y = step();
      expect(await y.read()).toEqual(wanted(first));
      y.dispose();
    }
    step.dispose();
    expect(device.memory.liveBytes).toBe(before);
  });
});

describe('HostValue', () => {
  it('read by the function, makes the recording serve that number only; read after it is set, it does not', () => {
    let recordings = 0;
    const [read, set] = [new HostValue(1), new HostValue(1)];
    const step = compile(
      (x) => {
        recordings++;
        set.value = 5;
        return mul(mul(x, read.value), set.value);
      },
      { device },
    );
    const x = tensor([1], { device });
    const seen = [step(x).item(), step(x).item()];
    expect([recordings, set.value]).toEqual([1, 5]);
    set.value = 7;
    seen.push(step(x).item());
    expect([recordings, set.value]).toEqual([1, 5]);
    read.value = 2;
    seen.push(step(x).item());
    expect(recordings).toBe(2);
    return expect(Promise.all(seen)).resolves.toEqual([5, 5, 5, 10]);
  });
});
