import { type Device, openDevice } from '@initlab/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadOpCases, type OpCases } from '../../packages/lab/src/selftest/op-cases.js';
import { runOpCase } from '../../packages/lab/src/selftest/run-ops.js';

const file = new URL('../parity/ops.json', import.meta.url).pathname;
let cases: OpCases;
let device: Device;
beforeAll(async () => {
  cases = await loadOpCases(file);
  device = await openDevice();
});
afterAll(() => device.close());

describe('ops agree with PyTorch in float64', () => {
  it.each(['eager', 'compiled'] as const)(
    'every case, %s',
    async (mode) => {
      const failures: string[] = [];
      for (const testCase of cases.cases) {
        const result = await runOpCase(testCase, cases, { mode, device });
        failures.push(...result.failures.map((f) => `${result.name}: ${f}`));
      }
      expect(cases.cases).toHaveLength(227);
      expect(failures).toEqual([]);
    },
    400_000,
  );

  it('without immediates, as in browsers that lack them', async () => {
    const other = await openDevice({ label: 'uniform scalars', target: { immediates: false } });
    const failures: string[] = [];
    for (const testCase of cases.cases.filter((c) => /^(unary|chain|reduce\/sum|pad|group_norm\/n4)/.test(c.name))) {
      const result = await runOpCase(testCase, cases, { mode: 'eager', device: other });
      failures.push(...result.failures.map((f) => `${result.name}: ${f}`));
    }
    expect(failures).toEqual([]);
    other.close();
  });

  it('says which op it does not know, and fails on a wrong value', async () => {
    const [first] = cases.cases;
    const unknown = await runOpCase({ ...(first as OpCases['cases'][number]), op: 'fft' }, cases, { mode: 'eager', device });
    expect(unknown.failures.join()).toContain('no op fft');
    const wrong = { ...cases, expected: (key: string) => cases.expected(key).map((v) => v + 1) };
    const result = await runOpCase(first as OpCases['cases'][number], wrong, { mode: 'eager', device });
    expect(result.failures[0]).toMatch(/got .* expected .* error/);
  });
});
