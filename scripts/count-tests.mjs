#!/usr/bin/env node
/**
 * Prints `N passed, N failed, N skipped` from the report that `npm test` leaves in build/test-results.json.
 * Usage: count-tests.mjs <exit code of the test run>. A run that failed without a failed test counts as one failure.
 */
import { existsSync, readFileSync } from 'node:fs';

const REPORT = new URL('../build/test-results.json', import.meta.url);
const exitCode = Number(process.argv[2]);

const report = existsSync(REPORT) ? JSON.parse(readFileSync(REPORT, 'utf8')) : { testResults: [] };
const tests = report.testResults.flatMap((file) => file.assertionResults);
// A file that cannot be loaded has no tests to count, but must not go unseen.
const brokenFiles = report.testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);

const passed = tests.filter((test) => test.status === 'passed').length;
const failedTests = tests.filter((test) => test.status === 'failed').length + brokenFiles.length;
const failed = failedTests === 0 && exitCode !== 0 ? 1 : failedTests;
const skipped = tests.length - passed - (failedTests - brokenFiles.length);
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
