#!/usr/bin/env node
/**
 * Prints `N passed, N failed, N skipped` from the reports that `npm test` and `npm run test:integrations` leave in
 * build/, and before it each test that failed, or passed only when it was tried again: what a long log ends with.
 * Usage: count-tests.mjs <exit code of each>. A run that failed without a failed test counts as one failure.
 */
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../', import.meta.url);
const REPORTS = ['test-results.json', 'integrations-results.json'];

const total = { passed: 0, failed: 0, skipped: 0 };
const failures = [];
const triedAgain = [];
for (const [index, name] of REPORTS.entries()) {
  const file = new URL(`build/${name}`, ROOT);
  const report = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { testResults: [] };
  const failed = failuresOf(report);
  const exitCode = Number(process.argv[2 + index]);
  if (failed.length === 0 && exitCode !== 0) {
    failed.push({ name, why: `exit code ${exitCode} without a failed test: see its output` });
  }
  failures.push(...failed);
  triedAgain.push(...secondTries(report));
  total.passed += countOf(report, (status) => status === 'passed');
  total.failed += failed.length;
  total.skipped += countOf(report, (status) => status !== 'passed' && status !== 'failed');
}
list('FAILED', failures, '');
list('PASSED ONLY AT A SECOND TRY', triedAgain, 'first: ');
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);

function list(title, tests, before) {
  if (tests.length > 0) console.log(`${title} (${tests.length}):`);
  for (const { name, why } of tests) console.log(`  ${name}\n    ${before}${why}`);
}

function countOf({ testResults }, isWanted) {
  return testResults.flatMap(({ assertionResults }) => assertionResults).filter(({ status }) => isWanted(status))
    .length;
}

/** Failed tests, and files without tests that failed: one that cannot be loaded must not go unseen. */
function failuresOf({ testResults }) {
  return testResults.flatMap(({ name, status, message, assertionResults }) => {
    if (status === 'failed' && assertionResults.length === 0) return [{ name: pathOf(name), why: firstLine(message) }];
    return assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ fullName, failureMessages }) => ({
        name: `${pathOf(name)}: ${fullName}`,
        why: firstLine(failureMessages.at(-1)),
      }));
  });
}

/** Tests that passed when they were tried again: the report keeps the failures before. */
function secondTries({ testResults }) {
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status, failureMessages }) => status === 'passed' && failureMessages.length > 0)
      .map(({ fullName, failureMessages }) => {
        return { name: `${pathOf(name)}: ${fullName}`, why: firstLine(failureMessages[0]) };
      }),
  );
}

function pathOf(file) {
  return relative(fileURLToPath(ROOT), file);
}

function firstLine(text = '') {
  return text.split('\n')[0];
}
