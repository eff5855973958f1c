import { backward, compile, type Device, InitlabError, scope, type Tensor, tensor } from '@initlab/core';
import { compare, showIndex, type Tolerance } from './compare.js';
import { fill, fillLabels } from './fill.js';
import type { OpCase, OpCases } from './op-cases.js';
import { opTable } from './op-table.js';
import { runOptimizerCase, runScheduleCase } from './optim-cases.js';
import type { CaseResult, Named } from './result.js';

/** The parity bound of operations (test/parity/README.md). */
const usual: Tolerance = { absolute: 1e-6, relative: 1e-4 };
/** Inputs of mean 1000: float32 itself keeps only four digits of the deviations. */
const offset1000: Tolerance = { absolute: 1e-6, relative: 2e-3 };

/** Run one case in one mode and compare everything PyTorch gave. */
export async function runOpCase(
  testCase: OpCase,
  cases: OpCases,
  { mode, device }: { mode: CaseResult['mode']; device: Device },
): Promise<CaseResult> {
  const failures: string[] = [];
  try {
    const got = await valuesOf(testCase, { cases, mode, device });
    const tolerance = testCase.name.includes('offset1000') ? offset1000 : usual;
    for (const { name, shape, data } of got) {
      const worst = compare(data, cases.expected(`${testCase.name}/${name}`), tolerance);
      if (worst)
        failures.push(
          `${name}${showIndex(worst.at, shape)}: got ${worst.got}, expected ${worst.expected}, error ${worst.error.toExponential(2)} (${worst.ratio.toPrecision(3)}× the bound)`,
        );
    }
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  return { name: testCase.name, mode, failures };
}

async function valuesOf(
  testCase: OpCase,
  { cases, mode, device }: { cases: OpCases; mode: CaseResult['mode']; device: Device },
): Promise<Named[]> {
  if (testCase.op === 'lr_schedule') return runScheduleCase(testCase, cases.expected(`${testCase.name}/lr`).length);
  if (testCase.op === 'optimizer') return runOptimizerCase(testCase, mode, device);
  const call = opTable[testCase.op];
  if (!call) throw new InitlabError(`the library has no op ${testCase.op} for this case`);
  return scope(async () => {
    const inputs = makeInputs(testCase, device);
    const wanted = testCase.grads.map((name) => (inputs[name] as Tensor).requiresGrad_());
    const run = (): Tensor[] => {
      const result = call(inputs, testCase.attrs);
      const outputs = Array.isArray(result) ? result.slice(0, testCase.outputs.length) : [result];
      const first = outputs[0] as Tensor;
      if (!testCase.cotangent) return outputs;
      const cotangent = tensor(fill(first.size, testCase.cotangent), { shape: first.shape, device });
      backward(first, { gradient: cotangent });
      return [...outputs, ...wanted.map((x) => x.grad as Tensor)];
    };
    const step = mode === 'compiled' ? compile(run, { device }) : run;
    const tensors = step();
    const names = [...testCase.outputs, ...(testCase.cotangent ? testCase.grads.map((g) => `grad/${g}`) : [])];
    const values: Named[] = [];
    for (const [i, name] of names.entries()) {
      const found = tensors[i] as Tensor;
      values.push({ name, shape: found.shape, data: await found.read() });
    }
    for (const x of wanted) x.grad?.dispose();
    if ('dispose' in step) step.dispose();
    return values;
  });
}

function makeInputs(testCase: OpCase, device: Device): Record<string, Tensor> {
  const inputs: Record<string, Tensor> = {};
  for (const { name, shape, fill: values, labels } of testCase.inputs) {
    const count = shape.reduce((a, b) => a * b, 1);
    if (labels) inputs[name] = tensor(fillLabels(count, labels.seed, labels.classes), { shape, dtype: 'i32', device });
    else if (values) inputs[name] = tensor(fill(count, values), { shape, device });
    else throw new InitlabError(`input ${name} has neither fill nor labels`);
  }
  return inputs;
}
