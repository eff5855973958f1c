#!/usr/bin/env node
/**
 * Closes a test run with one plain line, `tests: N passed, N failed`, from vitest's JSON report.
 * Exit status 1 when a test failed, when a test file did not load, or when no test ran.
 *
 * usage: node scripts/test-count.mjs REPORT.json
 */
import { readFileSync } from 'node:fs';

let report;
try {
  report = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'));
} catch {
  console.error('test-count: there is no test report, so no test ran');
  console.log('tests: 0 passed, 0 failed');
  process.exit(1);
}
const { numPassedTests: passed = 0, numFailedTests, numTotalTests: total = 0, success } = report;
const broken = (report.testResults ?? []).filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
const failed = (numFailedTests ?? 0) + broken.length;
for (const file of broken) console.error(`test-count: ${file.name} did not load: ${file.message}`);
const skipped = total - passed - (numFailedTests ?? 0);
console.log(`tests: ${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exit(failed === 0 && passed > 0 && success !== false ? 0 : 1);
