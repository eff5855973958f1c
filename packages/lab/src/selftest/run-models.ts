import { backward, type CompiledStep, compile, crossEntropy, type Device, noGrad, scope, type Tensor, tensor } from '@initlab/core';
import { createModel } from '@initlab/models';
import { Dropout, type Module, SGD } from '@initlab/nn';
import { fill, fillLabels, nameSeed } from './fill.js';
import { type ModelCase, parseModelKey } from './model-cases.js';
import type { CaseResult } from './result.js';

/** Largest |got − expected| relative to the largest expected value. */
function relativeError(got: readonly number[], expected: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs), 1e-30);
  return got.reduce((worst, g, i) => {
    const error = Math.abs(g - (expected[i] as number)) / largest;
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
  }, 0);
}

/** How far beyond PyTorch's own float32 error, the largest of five equal runs, every quantity may go. */
const slack = 3;
/**
 * In nets so deep that PyTorch itself meets a flipped ReLU, everything before that unit changes with it, and with it the median.
 * The files hold PyTorch's largest error over the parameters; the largest median of its five runs is at most a tenth of that
 * (ResNet-110: 8e-4 of 1.5e-2, ResNet-56: 3e-4 of 4e-3, MobileNetV2: 1.5e-4 of 6e-3).
 */
const medianShare = 0.1;
/** Losses are compared relative to themselves, but to this at least, as the script that measured PyTorch's error does. */
const leastLoss = 1e-3;

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1] ?? 0;

/** Fill parameters as test/parity/README.md says, take four SGD steps and compare everything PyTorch gave. */
export async function runModelCase(
  key: string,
  expected: ModelCase,
  options: { baseSeed: number; mode: CaseResult['mode']; device: Device },
): Promise<CaseResult> {
  const failures: string[] = [];
  const check = (what: string, error: number, bound: number): void => {
    if (!(error <= bound)) failures.push(`${what}: relative error ${error.toExponential(2)}, bound ${bound.toExponential(2)}`);
  };
  try {
    await scope(() => compareModel(key, expected, options, check, failures));
  } catch (error) {
    failures.push(error instanceof Error ? error.message : String(error));
  }
  return { name: key, mode: options.mode, failures };
}

async function compareModel(
  key: string,
  expected: ModelCase,
  { baseSeed, mode, device }: { baseSeed: number; mode: CaseResult['mode']; device: Device },
  check: (what: string, error: number, bound: number) => void,
  failures: string[],
): Promise<void> {
  const { name, numClasses, norm } = parseModelKey(key);
  const model = createModel(name, { numClasses, device, ...(norm ? { norm } : {}) });
  for (const [, module] of model.namedModules()) if (module instanceof Dropout) module.p = 0;
  const parameters = [...model.namedParameters()];
  checkKeys(parameters, expected, failures);
  for (const [parameter, x] of parameters) fillParameter(parameter, x, baseSeed);

  const images = tensor(fill(expected.batch * 3 * 32 * 32, { seed: nameSeed('input', baseSeed), scale: 1.5, shift: 0 }), {
    shape: [expected.batch, 3, 32, 32],
    device,
  });
  const labels = tensor(fillLabels(expected.batch, nameSeed('label', baseSeed), numClasses), { dtype: 'i32', device });
  const optimizer = new SGD(
    parameters.map(([, x]) => x),
    { lr: 0.01, momentum: 0.9, weightDecay: 5e-4 },
  );
  const body = (): { logits: Tensor; loss: Tensor } => {
    optimizer.zeroGrad();
    const logits = model.forward(images);
    const loss = crossEntropy(logits, labels);
    backward(loss);
    return { logits, loss };
  };
  // Neither they nor parameters belong to a scope.
  const steps: CompiledStep<unknown>[] = [];
  const inMode = <R>(run: () => R): (() => R) => {
    if (mode !== 'compiled') return run;
    const step = compile(run, { device });
    steps.push(step);
    return step;
  };
  const forwardBackward = inMode(body);
  const evaluate = inMode(() => noGrad(() => model.forward(images)));
  const update = inMode(() => optimizer.step());
  const f32 = expected.pytorch_f32_error;

  try {
    for (let step = 0; step < expected.losses.length; step++) {
      model.train();
      const { logits, loss } = forwardBackward();
      const value = await loss.item();
      const reference = expected.losses[step] as number;
      const own = f32.losses[step] as number;
      if (own < 2e-2) {
        check(
          `loss at step ${step} (${value} for ${reference})`,
          Math.abs(value - reference) / Math.max(Math.abs(reference), leastLoss),
          Math.max(step ? 1e-3 : 1e-4, slack * own),
        );
      } else if (!Number.isFinite(value)) failures.push(`loss at step ${step} is ${value}`);
      if (step === 0) {
        check(
          'logits in training mode',
          relativeError(await firstColumns(logits), expected.logits_train.flat()),
          Math.max(1e-4, slack * f32.logits_train),
        );
        await checkGradients(parameters, expected, check);
        await checkBuffers(model, expected, check);
        model.eval();
        const evaluated = evaluate();
        check(
          'logits in evaluation mode',
          relativeError(await firstColumns(evaluated), expected.logits_eval_after_step0_statistics.flat()),
          Math.max(1e-4, slack * f32.logits_eval),
        );
      }
      update();
    }
  } finally {
    for (const part of [...steps, optimizer, model]) part.dispose();
  }
}

function checkKeys(parameters: readonly (readonly [string, Tensor])[], expected: ModelCase, failures: string[]): void {
  const show = (name: string, shape: readonly number[]): string => `${name} [${shape.join(', ')}]`;
  const got = parameters.map(([name, x]) => show(name, x.shape));
  const wanted = expected.parameters.map((p) => show(p.name, p.shape));
  const at = wanted.findIndex((w, i) => w !== got[i]);
  if (at >= 0 || got.length !== wanted.length)
    failures.push(`parameter ${at}: PyTorch has ${wanted[at]}, the model ${got[at]} (${got.length} for ${wanted.length})`);
  const count = parameters.reduce((sum, [, x]) => sum + x.size, 0);
  if (count !== expected.num_parameters) failures.push(`${count} parameters, PyTorch has ${expected.num_parameters}`);
}

function fillParameter(name: string, x: Tensor, baseSeed: number): void {
  const seed = nameSeed(name, baseSeed);
  const fanIn = x.shape.slice(1).reduce((a, b) => a * b, 1);
  if (x.ndim >= 2 && !name.endsWith('weight_g')) x.set(fill(x.size, { seed, scale: Math.sqrt(6 / fanIn), shift: 0 }));
  else if (name.endsWith('weight_g') || name.endsWith('weight')) x.set(fill(x.size, { seed, scale: 0.3, shift: 1 }));
  else x.set(fill(x.size, { seed, scale: 0.2, shift: 0 }));
}

/** The reference keeps the first ten columns of the logits. */
async function firstColumns(logits: Tensor): Promise<number[]> {
  const [rows, columns] = logits.shape as [number, number];
  const data = await logits.read();
  return Array.from({ length: rows }, (_, r) => [...data.subarray(r * columns, r * columns + Math.min(10, columns))]).flat();
}

async function checkGradients(
  parameters: readonly (readonly [string, Tensor])[],
  expected: ModelCase,
  check: (what: string, error: number, bound: number) => void,
): Promise<void> {
  const floor = 1e-4 * expected.global_grad_norm;
  const bound = Math.max(2e-2, slack * expected.pytorch_f32_error.grad_norm);
  const headBound = Math.max(2e-2, slack * expected.pytorch_f32_error.grad_head);
  const errors: number[] = [];
  for (const [i, [name, x]] of parameters.entries()) {
    const reference = expected.parameters[i];
    if (!reference) continue;
    if (!x.grad) {
      check(`gradient of ${name} (there is none)`, Number.POSITIVE_INFINITY, bound);
      continue;
    }
    const gradient = await x.grad.read();
    const scale = reference.grad_norm + floor;
    let squares = 0;
    for (const g of gradient) squares += g * g;
    const norm = Math.sqrt(squares);
    const error = Math.abs(norm - reference.grad_norm) / scale;
    errors.push(error);
    check(`gradient norm of ${name} (${norm} for ${reference.grad_norm})`, error, bound);
    const head = reference.grad_head.reduce((worst, g, k) => Math.max(worst, Math.abs((gradient[k] as number) - g)), 0) / scale;
    check(`first gradient values of ${name}`, head, headBound);
  }
  check('median error of the gradient norms', median(errors), Math.max(1e-4, slack * medianShare * expected.pytorch_f32_error.grad_norm));
}

async function checkBuffers(
  model: Module,
  expected: ModelCase,
  check: (what: string, error: number, bound: number) => void,
): Promise<void> {
  const buffers = new Map(model.namedBuffers());
  for (const { name, head } of expected.buffers) {
    const found = buffers.get(name);
    if (!found) check(`running statistic ${name} (there is none)`, Number.POSITIVE_INFINITY, 1e-4);
    else check(`running statistic ${name}`, relativeError([...(await found.read()).subarray(0, 4)], head), 1e-4);
  }
}
