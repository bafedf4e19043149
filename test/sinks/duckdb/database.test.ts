import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/sinks/duckdb/database.js';
import { openSink, select, temporaryDirectory } from '../../support/batches.js';

it('a start works beside what a killed one of the same process id left, and removes it', async () => {
  const dataDir = temporaryDirectory();
  const leftover = `.analytics.db.new-${process.pid}`;
  writeFileSync(join(dataDir, leftover), 'half a database');
  const sink = await openSink(dataDir);
  expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[0n]]);
  expect(readdirSync(dataDir)).not.toContain(leftover);
});

it('of two databases that are made at the same time one stays', async () => {
  const dataDir = temporaryDirectory();
  const options = { dataDir, threads: 1, memoryLimit: undefined };
  await Promise.all([createDatabase(options), createDatabase(options)]);
  expect(readdirSync(dataDir)).toEqual(['analytics.db']);
});
