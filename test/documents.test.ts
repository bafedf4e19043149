/** Holds the lists in the documents to what the program has. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CONFIGURATION, withTables } from '../scripts/configuration-tables.js';
import { CaptureMetrics } from '../src/capture/metrics.js';
import { ERROR_CODES } from '../src/core/errors.js';
import { Metrics } from '../src/metrics/metrics.js';

const OPERATIONS = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');

/** The names in the first column of all tables of docs/operations.md that begin so. */
function listed(pattern: RegExp): string[] {
  return [...OPERATIONS.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name).filter((name) => pattern.test(name));
}

it('docs/operations.md lists all error codes', () => {
  expect(listed(/^SLUICE_/)).toEqual(Object.keys(ERROR_CODES));
});

it('docs/operations.md lists all metrics', () => {
  const metrics = [new Metrics(), new CaptureMetrics()].flatMap(({ registry }) => registry.getMetricsAsArray());
  const names = metrics.map(({ name }) => name).filter((name) => name.startsWith('sluice_'));
  expect(listed(/^sluice_/)).toEqual(names);
});

it('docs/configuration.md has the tables that "npm run docs" writes', () => {
  const document = readFileSync(CONFIGURATION, 'utf8');
  expect(document).toBe(withTables(document));
});
