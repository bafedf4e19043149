/** Holds the lists in the documents to what the program has. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { CONFIGURATION, withTables } from '../scripts/configuration-tables.js';
import { ERRORS, errorsPage } from '../scripts/errors-page.js';
import { OPERATIONS, withMetrics } from '../scripts/metrics-tables.js';
import { PRESETS } from '../src/schema/presets.js';
import { specJsonSchema } from '../src/schema/spec-file.js';

it('docs/operations.md has the tables of metrics that "npm run docs" writes', () => {
  const document = readFileSync(OPERATIONS, 'utf8');
  expect(document).toBe(withMetrics(document));
});

it('docs/configuration.md has the tables that "npm run docs" writes', () => {
  const document = readFileSync(CONFIGURATION, 'utf8');
  expect(document).toBe(withTables(document));
});

it('docs/errors.md is what "npm run docs" writes', () => {
  expect(readFileSync(ERRORS, 'utf8')).toBe(errorsPage());
});

it('docs/table-spec.schema.json is what "npm run docs" writes', () => {
  const text = readFileSync(fileURLToPath(new URL('../docs/table-spec.schema.json', import.meta.url)), 'utf8');
  expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(specJsonSchema())));
});

it('docs/cdc-topics.md has all presets', () => {
  const document = readFileSync(fileURLToPath(new URL('../docs/cdc-topics.md', import.meta.url)), 'utf8');
  const rows = [...document.matchAll(/^\| `(preset:[\w-]+)`/gm)].map(([, name]) => name.slice('preset:'.length));
  expect(rows.sort()).toEqual(Object.keys(PRESETS).sort());
});
