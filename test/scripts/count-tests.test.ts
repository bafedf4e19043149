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

it('adds the tests of both reports up; a run that failed without a failed test is a failure', () => {
  report('test-results.json', { a: ['passed'], b: ['failed', 'Error: no'], c: ['skipped'] });
  report('integrations-results.json', { a: ['passed'] });
  expect(printed('1', '0')).toBe('2 passed, 1 failed, 1 skipped\n');
  expect(printed('1', '1')).toBe('2 passed, 2 failed, 1 skipped\n');
});

it('names the tests that needed a second try before the last line, and counts them as passed', () => {
  report('test-results.json', {
    a: ['passed'],
    'of b': ['passed', 'Error: too late\n    at b'],
    c: ['failed', 'Error: no'],
  });
  report('integrations-results.json', { d: ['passed', 'Error: gone'] });
  expect(printed('1', '0').split('\n')).toEqual([
    'PASSED ONLY AT A SECOND TRY (2):',
    '  test/a.test.ts: of b',
    '    first: Error: too late',
    '  test/a.test.ts: d',
    '    first: Error: gone',
    '3 passed, 1 failed, 0 skipped',
    '',
  ]);
});
