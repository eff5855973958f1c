import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';

interface Outcome {
  /** Most and final live bytes, above what was there before the steps. */
  readonly most: number;
  readonly left: number;
  readonly weights: readonly number[];
  /** Maker of most of what the collector gave back. */
  readonly collected: string | undefined;
}

/** Runs `body` in a process of its own, with a small net and a training step at hand. */
async function outcomeOf(body: string, flags: readonly string[] = []): Promise<Outcome> {
  const script = `
    import { compile, crossEntropy, manualSeed, openDevice, relu, scope, tensor } from '@initlab/core';
    import { BatchNorm2d, Conv2d, Linear, SGD } from '@initlab/nn';
    console.warn = () => undefined;
    const device = await openDevice();
    manualSeed(1);
    const layers = [new Conv2d(3, 16, { kernelSize: 3, padding: 1 }), new BatchNorm2d(16), new Linear(16, 10)];
    const optimizer = new SGD(layers.flatMap((layer) => layer.parameters()), { lr: 0.1, momentum: 0.9 });
    const x = tensor(Float32Array.from({ length: 16 * 3 * 24 * 24 }, (_, i) => Math.sin(i)), { shape: [16, 3, 24, 24] });
    const labels = tensor(Int32Array.from({ length: 16 }, (_, i) => i % 10));
    const step = () => {
      optimizer.zeroGrad();
      const [conv, norm, head] = layers;
      const features = relu(norm.forward(conv.forward(x))).mean({ dims: [2, 3] });
      // A view and an alias of what is on the tape.
      const alias = features.reshape([16, 16, 1]).detach();
      const loss = crossEntropy(head.forward(features), labels).add(alias.mean().mul(0.5));
      loss.backward();
      optimizer.step();
      return loss;
    };
    const task = () => new Promise((resolve) => setTimeout(resolve, 1));
    const before = device.memory.liveBytes;
    let most = 0;
    const kept = [];
    const measure = () => { most = Math.max(most, device.memory.liveBytes - before); };
    ${body}
    const weights = [];
    for (const layer of layers) for (const p of layer.parameters()) weights.push(...(await p.read()).slice(0, 8));
    for (const each of kept) weights.push(await each.item());
    const left = device.memory.liveBytes - before;
    process.stdout.write(JSON.stringify({ most, left, weights, collected: device.leakReport()[0]?.label }));
    process.exit(0);`;
  const args = ['--conditions=@initlab/source', '--import', 'tsx', ...flags, '--input-type=module', '--eval', script];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code).toBe(0);
  return JSON.parse(output) as Outcome;
}

const mebibyte = 2 ** 20;

it('eager steps without a scope hold what one needs, where the collector runs, and have the bits of steps in scopes', async () => {
  const scoped = await outcomeOf('for (let i = 0; i < 40; i++) { scope(() => { step(); measure(); }); await device.sync(); }');
  const loose = await outcomeOf('for (let i = 0; i < 40; i++) { step(); measure(); await device.sync(); gc(); await task(); }', [
    '--expose-gc',
  ]);
  expect(loose.weights).toEqual(scoped.weights);
  expect(scoped.collected).toBeUndefined();
  expect(loose.collected).toBeDefined();
  // Forty of them were fifty times this.
  expect(loose.most).toBeLessThan(3 * scoped.most);
  expect(loose.left).toBeLessThan(mebibyte);
});

it('the collector is asked where much has gathered, and results in use stay', async () => {
  const body = 'for (let i = 0; i < 120; i++) { kept.push(step()); measure(); await device.sync(); await task(); }';
  const { most, weights, collected } = await outcomeOf(body);
  expect(collected).toBeDefined();
  // What is asked for at 128 MiB is done some steps later.
  expect(most).toBeLessThan(250 * mebibyte);
  expect(weights.slice(-120).every((loss, i, all) => Number.isFinite(loss) && (i === 0 || loss !== all[i - 1]))).toBe(true);
});

it('a compiled step that was dropped gives its memory back, but for results in use', async () => {
  const { most, left, weights } = await outcomeOf(
    `const calls = async () => {
      for (let i = 0; i < 8; i++) {
        const forward = compile((y) => relu(y.mul(2)).sum());
        const result = forward(Float32Array.from({ length: 100_000 }, () => i + 1));
        if (i === 3) kept.push(result);
        measure();
        await device.sync();
      }
    };
    await calls();
    for (let i = 0; i < 4; i++) { gc(); await task(); }`,
    ['--expose-gc'],
  );
  // Some of them: the collector may come by itself.
  expect(most).toBeGreaterThan(4 * 400_000);
  expect(left).toBeLessThan(100_000);
  expect(weights.at(-1)).toBe(800_000);
});
