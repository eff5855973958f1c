import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';

/** An app as a bundler makes it of the packages' `dist`, which `npm run build` has written. */
async function bundle(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: fileURLToPath(new URL('../../packages/lab', import.meta.url)) },
    bundle: true,
    minify: true,
    write: false,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    tsconfigRaw: {},
    logLevel: 'silent',
  });
  return (outputFiles[0] as { text: string }).text;
}
/** In thousands of bytes. */
const compressed = (text: string): number => gzipSync(text, { level: 9 }).length / 1000;

const schedule = `import { cosineLr } from '@initlab/nn';
console.log(cosineLr(0.1, { tMax: 10 })(5));`;

const convolution = `import { conv2d, openDevice, tensor } from '@initlab/core';
const device = await openDevice();
const x = tensor(new Float32Array(3072), { shape: [1, 3, 32, 32], device });
const weight = tensor(new Float32Array(27), { shape: [1, 3, 3, 3], device });
console.log(await conv2d(x, weight, { padding: 1 }).read());`;

/** Layers, a loss, an optimiser, a schedule and resident data: the kernels of a CNN's training and their gradients. */
const training = `import { backward, crossEntropy, openDevice } from '@initlab/core';
import { ResidentDataset } from '@initlab/data';
import { BatchNorm2d, Conv2d, cosineLr, Flatten, Linear, MaxPool2d, ReLU, Sequential, SGD } from '@initlab/nn';
console.log(backward, crossEntropy, openDevice, ResidentDataset);
console.log(BatchNorm2d, Conv2d, cosineLr, Flatten, Linear, MaxPool2d, ReLU, Sequential, SGD);`;
const compiled = `import { compile } from '@initlab/core';
console.log(compile);
${training}`;

describe('KB (thousands of bytes) of an app, minified and compressed by gzip -9, are at most', () => {
  it.each([
    { app: 'cosineLr alone', contents: schedule, limit: 2 },
    { app: 'conv2d alone, with its gradients', contents: convolution, limit: 48 },
    { app: 'a training app', contents: training, limit: 89 },
    { app: 'a training app that compiles its steps', contents: compiled, limit: 107 },
  ])('$limit for $app', async ({ contents, limit }) => {
    expect(compressed(await bundle(contents))).toBeLessThanOrEqual(limit);
  });
});

describe('methods on tensors', () => {
  const load = async (contents: string): Promise<{ called: () => unknown }> =>
    import(`data:text/javascript,${encodeURIComponent(await bundle(contents))}`);
  const call = 'export const called = () => Tensor.prototype.relu.call({});';

  it('are not in a bundle of single functions, and the call says what to import', async () => {
    const { called } = await load(`import { Tensor } from '@initlab/core'; ${call}`);
    expect(called).toThrow(/^relu: this bundle has no methods on tensors; import '@initlab\/core\/methods' once, or call relu\(x, …\)$/);
  });

  it.each([
    ['@initlab/core/methods', "import '@initlab/core/methods';"],
    ['a layer', "import { ReLU } from '@initlab/nn'; console.log(ReLU.name);"],
  ])('come with %s', async (_, imports) => {
    const { called } = await load(`import { Tensor } from '@initlab/core'; ${imports} ${call}`);
    // It is no tensor, which the op itself finds.
    expect(called).not.toThrow(/methods/);
  });
});
