#!/usr/bin/env node
/**
 * Prints `N passed, N failed, N skipped` from the reports that `npm test` and `npm run test:integrations` leave in
 * build/, and before it each test that passed only when it was tried again.
 * Usage: count-tests.mjs <exit code of each>. A run that failed without a failed test counts as one failure.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
const REPORTS = ['test-results.json', 'integrations-results.json'];

const total = { passed: 0, failed: 0, skipped: 0 };
const triedAgain = [];
for (const [index, name] of REPORTS.entries()) {
  const file = new URL(`build/${name}`, ROOT);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] };
  const { passed, failed, skipped } = count(report, Number(process.argv[2 + index]));
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  triedAgain.push(...secondTries(report));
}
if (triedAgain.length > 0) console.log(`PASSED ONLY AT A SECOND TRY (${triedAgain.length}):`);
for (const { name, why } of triedAgain) console.log(`  ${name}\n    first: ${why}`);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);

function count({ testResults }, exitCode) {
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults);
  // A file that cannot be loaded has no tests to count, but must not go unseen.
  const broken = testResults.filter(
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

/** Tests that passed when they were tried again: the report keeps the failures before. */
function secondTries({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map(({ fullName, failureMessages }) => {
        return { name: `${relative(fileURLToPath(ROOT), name)}: ${fullName}`, why: failureMessages[0].split('\n')[0] };
      }),
  );
}
