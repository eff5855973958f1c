import { compile, type Device, InitlabError, scope } from '@initlab/core';
import {
  Adam,
  AdamW,
  cosineLr,
  linearLr,
  multiStepLr,
  type Optimizer,
  Parameter,
  type Schedule,
  SGD,
  sequentialLr,
  stepLr,
} from '@initlab/nn';
import { fill } from './fill.js';
import type { OpCase } from './op-cases.js';
import type { CaseResult, Named } from './result.js';

type Attrs = Record<string, unknown>;
const num = (attrs: Attrs, name: string): number => (attrs[name] as number | undefined) ?? 0;

function makeOptimizer(param: Parameter, attrs: Attrs): Optimizer {
  const common = { lr: num(attrs, 'lr'), weightDecay: num(attrs, 'weight_decay') };
  if (attrs.kind === 'sgd') return new SGD([param], { ...common, momentum: num(attrs, 'momentum'), nesterov: attrs.nesterov === true });
  const adam = { ...common, betas: attrs.betas as [number, number], eps: num(attrs, 'eps') };
  if (attrs.kind === 'adam') return new Adam([param], adam);
  if (attrs.kind === 'adamw') return new AdamW([param], adam);
  throw new InitlabError(`the library has no optimizer ${String(attrs.kind)}`);
}

/** Steps from a filled parameter with filled gradients: the parameter after every step. */
export async function runOptimizerCase(testCase: OpCase, mode: CaseResult['mode'], device: Device): Promise<Named[]> {
  const [input] = testCase.inputs;
  if (!input?.fill) throw new InitlabError('the case has no filled parameter');
  const { shape } = input;
  const param = new Parameter(shape, { device });
  param.set(fill(param.size, input.fill));
  const optimizer = makeOptimizer(param, testCase.attrs);
  const step = mode === 'compiled' ? compile(() => optimizer.step(), { device }) : () => optimizer.step();
  const values: Named[] = [];
  for (const [i, seed] of testCase.grad_seeds.entries()) {
    param.grad = param.gradSlot?.set(fill(param.size, { seed, scale: testCase.grad_scale, shift: 0 }));
    scope(() => step());
    values.push({ name: `step${i + 1}`, shape, data: await param.read() });
  }
  if ('dispose' in step) step.dispose();
  optimizer.dispose();
  param.grad?.dispose();
  param.dispose();
  return values;
}

function makeSchedule(attrs: Attrs): Schedule {
  const base = num(attrs, 'base_lr');
  switch (attrs.kind) {
    case 'cosine':
      return cosineLr(base, { tMax: num(attrs, 't_max'), etaMin: num(attrs, 'eta_min') });
    case 'multistep':
      return multiStepLr(base, { milestones: attrs.milestones as number[], gamma: num(attrs, 'gamma') });
    case 'step':
      return stepLr(base, { stepSize: num(attrs, 'step_size'), gamma: num(attrs, 'gamma') });
    case 'warmup_cosine': {
      const warmup = num(attrs, 'warmup');
      const schedules = [
        linearLr(base, { startFactor: num(attrs, 'start_factor'), totalSteps: warmup }),
        cosineLr(base, { tMax: num(attrs, 't_max') }),
      ];
      return sequentialLr(schedules, { milestones: [warmup] });
    }
    default:
      throw new InitlabError(`the library has no schedule ${String(attrs.kind)}`);
  }
}

/** The rate in force at each of `length` steps. */
export function runScheduleCase(testCase: OpCase, length: number): Named[] {
  const schedule = makeSchedule(testCase.attrs);
  return [{ name: 'lr', shape: [length], data: Array.from({ length }, (_, step) => schedule(step)) }];
}
