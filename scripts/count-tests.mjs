#!/usr/bin/env node
/**
 * Prints `N passed, N failed, N skipped` from the reports that `npm test` and `npm run test:integrations` leave in
 * build/.
 * Usage: count-tests.mjs <exit code of each>. A run that failed without a failed test counts as one failure.
 */
import { existsSync, readFileSync } from 'node:fs';

const REPORTS = ['test-results.json', 'integrations-results.json'];

const total = { passed: 0, failed: 0, skipped: 0 };
for (const [index, name] of REPORTS.entries()) {
  const { passed, failed, skipped } = count(
    new URL(`../build/${name}`, import.meta.url),
    Number(process.argv[2 + index]),
  );
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);

function count(file, exitCode) {
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] };
  const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  // A file that cannot be loaded has no tests to count, but must not go unseen.
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  const withStatus = (wanted) => tests.filter(({ status }) => status === wanted).length;
  const failed = withStatus('failed') + broken.length;
  const passed = withStatus('passed');
  return {
    passed,
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: tests.length - passed - withStatus('failed'),
  };
}
