/**
 * The suite for Great Expectations, run with the real library on the Parquet files, in pandas: for SQL it knows no
 * dialect of DuckDB, and its generic one has no regular expressions. Verdicts and counts are those of the kernel.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { greatExpectationsSuite } from '../../src/schema/great-expectations.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec, presetText } from '../../src/schema/spec-file.js';
import { makeBatch, openSink, select, temporaryDirectory } from '../support/batches.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoPython } from '../support/python.js';

const { expectations: ofOrders } = JSON.parse(presetText('orders-checked')) as { expectations: object[] };
/** One of each test of rows, with a bound and a text in the values. */
const EXPECTATIONS = [
  ...ofOrders,
  { name: 'amount_low', column: 'amount', range: { min: '12.5', max: '99.9999' } },
  { name: 'email_given', column: 'customer_email', not_null: true },
  { name: 'email_ascii', column: 'customer_email', pattern: '[a-z0-9.]+@[\\w.]+' },
  { name: 'name_length', column: 'customer_name', length: { min: 3, max: 12 } },
  { name: 'one_status', column: 'status', values: ['paid', "it's"] },
  { name: 'recent', column: 'event_time', range: { min: '2025-01-02T00:00:00Z' } },
];

it.skipIf(whyNoPython() !== undefined)(
  'says what the kernel says',
  { timeout: INSTALL_TIMEOUT_MS + 120_000 },
  async () => {
    const text = JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations: EXPECTATIONS });
    const spec = parseSpec(text, 'of the test');
    const dataDir = temporaryDirectory();
    const events = [...orderEvents({ count: 5000, seed: 3, shares: EQUAL_SHARES })];
    const values = events.map(({ value }) => value?.toString() ?? null);
    const sink = await openSink(dataDir, { spec });
    const batch = await makeBatch(dataDir, 0, 0, values, { spec });
    await sink.stage(batch);
    await sink.commit();
    const suite = greatExpectationsSuite(spec);
    const leftOut = ['customer_email_nulls', 'amount_nulls', 'late_rows'];
    expect(suite.meta).toMatchObject({ left_out: leftOut });
    const path = join(dataDir, 'suite.json');
    writeFileSync(path, JSON.stringify(suite));
    const python = await pythonWith('requirements-expectations.txt');
    const [[file]] = await select(sink, `SELECT file FROM sluice.batches WHERE file IS NOT NULL`);
    const results = await runPython(python, 'check_expectations.py', [path, join(dataDir, String(file))]);
    const kernel = new Map(batch.failedExpectations?.map(({ name, failed }) => [name, failed]));
    const wanted = EXPECTATIONS.map((each) => (each as { name: string }).name)
      .filter((name) => !leftOut.includes(name))
      .map((name) => ({ name, met: !kernel.has(name), unexpected: kernel.get(name) ?? 0 }));
    // It validates column by column.
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect((results as { name: string }[]).sort(byName)).toEqual(wanted.sort(byName));
    expect(kernel.size).toBeGreaterThan(5);
  },
);
