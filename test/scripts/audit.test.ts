import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';

const SCRIPT = fileURLToPath(new URL('../../scripts/audit.mjs', import.meta.url));

/** As npm 10 reports: `b` has two advisories, and `a` depends on it. */
const REPORT = {
  vulnerabilities: {
    a: { via: ['b'] },
    b: {
      via: ['GHSA-1111', 'GHSA-2222'].map((id) => ({
        ...{ url: `https://github.com/advisories/${id}`, name: 'b', severity: 'high', title: 'a fault' },
      })),
    },
  },
};
const REASON = 'the function with the fault is never called';

function audit(report: object, accepted: Readonly<Record<string, string>>) {
  const file = path.join(temporaryDirectory(), 'accepted.json');
  writeFileSync(file, JSON.stringify(accepted));
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, file], {
    input: JSON.stringify(report),
    encoding: 'utf8',
  });
  return [status, ...stderr.split('\n').filter((line) => line !== '')];
}

it('fails on an advisory that nobody has accepted with a reason', () => {
  const problem = 'GHSA-2222 is not accepted: b, high: a fault';
  expect(audit(REPORT, { 'GHSA-1111': REASON })).toEqual([1, problem]);
  expect(audit(REPORT, { 'GHSA-1111': REASON, 'GHSA-2222': 'fine' })).toEqual([
    1,
    'GHSA-2222 is accepted without a reason',
  ]);
  expect(audit(REPORT, { 'GHSA-1111': REASON, 'GHSA-2222': REASON })).toEqual([0]);
});

it('fails on one that is accepted and gone, and without a report', () => {
  const gone = 'GHSA-1111 is accepted, and no dependency has it any more: remove it';
  expect(audit({ vulnerabilities: {} }, { 'GHSA-1111': REASON })).toEqual([1, gone]);
  expect(audit({ message: '405 Method Not Allowed' }, {})).toEqual([1, 'no report: 405 Method Not Allowed']);
});
