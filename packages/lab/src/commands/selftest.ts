import { InitlabError } from '@initlab/core';
import { loadFunctionCases, nameOf } from '../selftest/function-cases.js';
import { loadModelCases } from '../selftest/model-cases.js';
import { loadOpCases } from '../selftest/op-cases.js';
import { parityFile } from '../selftest/parity-files.js';
import type { CaseResult } from '../selftest/result.js';
import { runFunctionCase } from '../selftest/run-functions.js';
import { runModelCase } from '../selftest/run-models.js';
import { runOpCase } from '../selftest/run-ops.js';
import { openTunedDevice } from '../tune/index.js';

export interface SelftestOptions {
  /** A file of op cases, its safetensors beside it. With `ops` or `models` given, only those run. */
  readonly ops?: string;
  readonly models?: string;
  readonly json?: boolean;
  /** Part of case names, or a regular expression between slashes. */
  readonly filter?: string;
}

/** `initlab selftest`: PyTorch's reference values on this adapter, eager and compiled. Returns the exit status. */
export async function selftestCommand(options: SelftestOptions): Promise<number> {
  const shipped = options.ops === undefined && options.models === undefined;
  const wanted = matcher(options.filter);
  const opsFile = options.ops ?? (shipped ? parityFile('ops.json') : undefined);
  const modelsFile = options.models ?? (shipped ? parityFile('models.json') : undefined);
  const device = await openTunedDevice();
  const say = (line: string): void => void (options.json ? process.stderr : process.stdout).write(`${line}\n`);
  say(`${device.caps.adapter}${device.caps.software ? ' (software driver)' : ''}`);
  const results: CaseResult[] = [];
  const add = (result: CaseResult): void => {
    results.push(result);
    for (const failure of result.failures) say(`FAIL ${result.name} (${result.mode}): ${failure}`);
  };
  const modes = ['eager', 'compiled'] as const;
  if (opsFile) {
    const cases = await loadOpCases(opsFile);
    for (const testCase of cases.cases.filter((c) => wanted(c.name)))
      for (const mode of modes) add(await runOpCase(testCase, cases, { mode, device }));
    say(`ops: ${count(results)} (PyTorch ${cases.torch}, each case eager and compiled)`);
  }
  for (const file of shipped ? ['tensors.json', 'layers.json'] : []) {
    const before = results.length;
    const { cases, torch } = await loadFunctionCases(parityFile(file));
    for (const testCase of cases.filter((c) => wanted(nameOf(c))))
      for (const mode of modes) add(await runFunctionCase(testCase, { mode, device }));
    say(`${file.replace('.json', '')}: ${count(results.slice(before))} (PyTorch ${torch}, with second derivatives)`);
  }
  if (modelsFile) {
    const { models, base_seed: baseSeed } = await loadModelCases(modelsFile);
    for (const [key, model] of Object.entries(models).filter(([key]) => wanted(key))) {
      for (const mode of modes) add(await runModelCase(key, model, { baseSeed, mode, device }));
      say(`model ${key}: ${results.slice(-2).every((r) => r.failures.length === 0) ? 'ok' : 'FAILED'}`);
    }
  }
  device.close();
  const failed = results.filter((r) => r.failures.length > 0).length;
  if (options.json)
    process.stdout.write(`${JSON.stringify({ adapter: device.caps.adapter, passed: results.length - failed, failed, results })}\n`);
  say(`${results.length - failed} passed, ${failed} failed`);
  if (results.length === 0) throw new InitlabError(`no case has a name with ${options.filter ?? ''}`);
  return failed > 0 ? 1 : 0;
}

const count = (results: readonly CaseResult[]): string =>
  `${results.filter((r) => r.failures.length === 0).length} of ${results.length} ok`;

function matcher(filter: string | undefined): (name: string) => boolean {
  if (filter === undefined) return () => true;
  const pattern = /^\/(.*)\/$/.exec(filter)?.[1];
  if (pattern === undefined) return (name) => name.includes(filter);
  const expression = new RegExp(pattern);
  return (name) => expression.test(name);
}
