import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('../../scripts/test-count.mjs', import.meta.url));
let folder = '';

function count(report: object | undefined): { line: string; status: number | null } {
  const file = path.join(folder, 'report.json');
  rmSync(file, { force: true });
  if (report) writeFileSync(file, JSON.stringify(report));
  const { stdout, status } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' });
  return { line: stdout.trimEnd(), status };
}

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'count-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('test-count', () => {
  it('counts a good run', () => {
    expect(count({ numPassedTests: 12, numFailedTests: 0, numTotalTests: 12, success: true, testResults: [] })).toEqual({
      line: 'tests: 12 passed, 0 failed',
      status: 0,
    });
  });

  it('fails on a failed test and on a file that does not load', () => {
    expect(count({ numPassedTests: 3, numFailedTests: 1, numTotalTests: 5, success: false, testResults: [] })).toEqual({
      line: 'tests: 3 passed, 1 failed, 1 skipped',
      status: 1,
    });
    const broken = { name: 'a.test.ts', status: 'failed', message: 'syntax', assertionResults: [] };
    expect(count({ numPassedTests: 3, numFailedTests: 0, numTotalTests: 3, success: false, testResults: [broken] })).toEqual({
      line: 'tests: 3 passed, 1 failed',
      status: 1,
    });
  });

  it('fails when no test ran', () => {
    expect(count(undefined)).toEqual({ line: 'tests: 0 passed, 0 failed', status: 1 });
    expect(count({ numPassedTests: 0, numFailedTests: 0, numTotalTests: 0, success: true, testResults: [] }).status).toBe(1);
  });
});
