/** Holds the lists in the documents to what the program has. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CONFIGURATION, withTables } from '../scripts/configuration-tables.js';
import { ERRORS, errorsPage } from '../scripts/errors-page.js';
import { CaptureMetrics } from '../src/capture/metrics.js';
import { Metrics } from '../src/metrics/metrics.js';

const OPERATIONS = readFileSync(fileURLToPath(new URL('../docs/operations.md', import.meta.url)), 'utf8');

it('docs/operations.md lists all metrics', () => {
  const metrics = [new Metrics(), new CaptureMetrics()].flatMap(({ registry }) => registry.getMetricsAsArray());
  const names = metrics.map(({ name }) => name).filter((name) => name.startsWith('sluice_'));
  expect([...OPERATIONS.matchAll(/^\| `(sluice_\w+)`/gm)].map(([, name]) => name)).toEqual(names);
});

it('docs/configuration.md has the tables that "npm run docs" writes', () => {
  const document = readFileSync(CONFIGURATION, 'utf8');
  expect(document).toBe(withTables(document));
});

it('docs/errors.md is what "npm run docs" writes', () => {
  expect(readFileSync(ERRORS, 'utf8')).toBe(errorsPage());
});
