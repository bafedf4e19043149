import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeEach, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/count-tests.mjs', import.meta.url));

/** A project with the script, and the reports of its tests. */
let project: string;

beforeEach(() => {
  project = temporaryDirectory();
  for (const folder of ['scripts', 'build']) mkdirSync(join(project, folder));
  copyFileSync(SCRIPT, join(project, 'scripts', 'count-tests.mjs'));
});

function report(name: string, statuses: Record<string, [status: string, ...failures: string[]]>): void {
  const assertionResults = Object.entries(statuses).map(([fullName, [status, ...failureMessages]]) => {
    return { fullName, status, failureMessages };
  });
  const testResults = [{ name: join(project, 'test', 'a.test.ts'), status: 'passed', assertionResults }];
  writeFileSync(join(project, 'build', name), JSON.stringify({ testResults }));
}

const printed = (...exitCodes: string[]) =>
  execFileSync(process.execPath, [join(project, 'scripts', 'count-tests.mjs'), ...exitCodes], { encoding: 'utf8' });

it('adds the tests of both reports up, and names those that failed', () => {
  report('test-results.json', { a: ['passed'], b: ['failed', 'Error: early', 'Error: no\n    at b'], c: ['skipped'] });
  report('integrations-results.json', { a: ['passed'] });
  expect(printed('1', '0').split('\n')).toEqual([
    'FAILED (1):',
    '  test/a.test.ts: b',
    '    Error: no',
    '2 passed, 1 failed, 1 skipped',
    '',
  ]);
});

it('counts a run that failed without a failed test, and a file that cannot be loaded, as a failure', () => {
  const file = join(project, 'test', 'b.test.ts');
  const testResults = [{ name: file, status: 'failed', message: 'Error: no such module', assertionResults: [] }];
  writeFileSync(join(project, 'build', 'test-results.json'), JSON.stringify({ testResults }));
  report('integrations-results.json', { a: ['passed'] });
  expect(printed('1', '1').split('\n')).toEqual([
    'FAILED (2):',
    '  test/b.test.ts',
    '    Error: no such module',
    '  integrations-results.json',
    '    exit code 1 without a failed test: see its output',
    '1 passed, 2 failed, 0 skipped',
    '',
  ]);
});

it('names the tests that needed a second try before the last line, and counts them as passed', () => {
  report('test-results.json', {
    a: ['passed'],
    'of b': ['passed', 'Error: too late\n    at b'],
    c: ['failed', 'Error: no'],
  });
  report('integrations-results.json', { d: ['passed', 'Error: gone'] });
  expect(printed('1', '0').split('\n')).toEqual([
    'FAILED (1):',
    '  test/a.test.ts: c',
    '    Error: no',
    'PASSED ONLY AT A SECOND TRY (2):',
    '  test/a.test.ts: of b',
    '    first: Error: too late',
    '  test/a.test.ts: d',
    '    first: Error: gone',
    '3 passed, 1 failed, 0 skipped',
    '',
  ]);
});
