import { add, compile, type Device, grad, InitlabError, mul, reshape, scope, sum, type Tensor, tensor, zerosLike } from '@initlab/core';
import { compare, showIndex, type Tolerance } from './compare.js';
import { fill } from './fill.js';
import { type FunctionCase, nameOf } from './function-cases.js';
import { type FunctionInputs, functionTable } from './function-table.js';
import { layerTable } from './layer-table.js';
import type { CaseResult } from './result.js';

/** The parity bound of operations (test/parity/README.md). */
const usual: Tolerance = { absolute: 1e-6, relative: 1e-4 };

const parse = (values: readonly (number | string)[]): number[] =>
  values.map((v) =>
    v === 'nan' ? Number.NaN : v === 'inf' ? Number.POSITIVE_INFINITY : v === '-inf' ? Number.NEGATIVE_INFINITY : Number(v),
  );
const seeded = (like: Tensor, seed: number): Tensor =>
  reshape(tensor(fill(like.size, { seed, scale: 1, shift: 0 }), { device: like.device }), like.shape);

function inputsOf(testCase: FunctionCase, device: Device): Tensor[] {
  return testCase.inputs.map(({ shape, scale, shift, index }, i) => {
    if (index) return tensor(Int32Array.from(index), { shape, dtype: 'i32', device });
    const count = shape.reduce((a, b) => a * b, 1);
    const values = testCase.zero ? new Float32Array(count) : fill(count, { seed: i + 1, scale, shift });
    return tensor(values, { shape, device, requiresGrad: true });
  });
}

/** Outputs, gradients of the floats among the inputs, and the second derivative of the first where the case has one. */
function derivatives(testCase: FunctionCase, xs: readonly Tensor[]): Tensor[] {
  const call = functionTable[testCase.op] ?? layerTable[testCase.op];
  if (!call) throw new InitlabError(`the library has no function ${testCase.op} for this case`);
  const found = call(xs as unknown as FunctionInputs, testCase.attrs);
  const ys = Array.isArray(found) ? (found as Tensor[]) : [found as Tensor];
  if (testCase.grads.length === 0) return ys;
  const asked = xs.filter((x) => x.dtype === 'f32').slice(0, testCase.grads.length);
  const total = ys.flatMap((y, i) => (y.dtype === 'f32' ? [sum(mul(y, seeded(y, 20 + i)))] : [])).reduce((a, b) => add(a, b));
  const first = grad(total, asked, { createGraph: true }).map((g, i) => g ?? zerosLike(asked[i] as Tensor));
  // A first gradient that does not depend on its operand has a second one of zeros, as in PyTorch.
  const nothing = mul(sum(asked[0] as Tensor), 0);
  const again = add(sum(mul(first[0] as Tensor, seeded(asked[0] as Tensor, 30))), nothing);
  const second = testCase.second && again.requiresGrad ? grad(again, [asked[0] as Tensor]) : [];
  return [...ys, ...first, ...second.flatMap((g) => g ?? [])];
}

/** Run one case in one mode and compare everything PyTorch gave. */
export async function runFunctionCase(
  testCase: FunctionCase,
  { mode, device }: { mode: CaseResult['mode']; device: Device },
): Promise<CaseResult> {
  const failures: string[] = [];
  try {
    const count = testCase.values.length;
    const xs = inputsOf(testCase, device);
    const body = (): Tensor[] => derivatives(testCase, xs);
    const step = mode === 'compiled' ? compile(body, { device }) : body;
    const got = await scope(async () => Promise.all(step().map(async (y) => ({ shape: y.shape, data: await y.read() }))));
    if ('dispose' in step) step.dispose();
    for (const x of xs) x.dispose();
    const wanted = [...testCase.values, ...testCase.grads, ...(testCase.second ? [testCase.second] : [])].map(parse);
    wanted.forEach((expected, i) => {
      const name = i < count ? `output ${i}` : i < count + testCase.grads.length ? `gradient ${i - count}` : 'second derivative';
      // What has no second derivative here has one of zeros there.
      const { shape, data } = got[i] ?? { shape: [expected.length], data: expected.map(() => 0) };
      if (i < count && String(shape) !== String(testCase.shapes[i])) failures.push(`shape [${shape}], not [${testCase.shapes[i]}]`);
      const worst = compare(data, expected, usual);
      if (worst)
        failures.push(
          `${name}${showIndex(worst.at, shape)}: got ${worst.got}, expected ${worst.expected} (${worst.ratio.toPrecision(3)}× the bound)`,
        );
    });
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  return { name: nameOf(testCase), mode, failures };
}
