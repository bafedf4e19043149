import { existsSync, mkdirSync, readdirSync, renameSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createDatabase } from '../../../src/sinks/duckdb/database.js';
import { removeSpilled, spilledFiles } from '../../../src/storage/spill.js';
import { openSink, select, temporaryDirectory } from '../../support/batches.js';

it('a start works beside what a killed one of the same process id left, and removes it', async () => {
  const dataDir = temporaryDirectory();
  const leftover = `.analytics.db.new-${process.pid}`;
  writeFileSync(join(dataDir, leftover), 'half a database');
  const sink = await openSink(dataDir);
  expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[0n]]);
  expect(readdirSync(dataDir)).not.toContain(leftover);
});

it('a start removes what a killed recovery had built, and what killed processes had spilled', async () => {
  const dataDir = temporaryDirectory();
  await (await openSink(dataDir)).close();
  const [recovery, spill] = [join(dataDir, '.recovery'), join(dataDir, 'analytics.db.tmp')];
  for (const folder of [recovery, spill]) mkdirSync(folder);
  writeFileSync(join(recovery, 'analytics.db'), 'rows');
  writeFileSync(join(spill, 'duckdb_temp_storage_DEFAULT-0.tmp'), 'rows');
  writeFileSync(join(spill, 'notes'), 'of somebody else');
  await (await openSink(dataDir)).close();
  expect(existsSync(recovery)).toBe(false);
  expect(readdirSync(spill)).toEqual(['notes']);
});

it('a start makes none beside the log of one that is gone', async () => {
  const dataDir = temporaryDirectory();
  const log = join(dataDir, 'analytics.db.wal');
  writeFileSync(log, 'commits');
  await expect(openSink(dataDir)).rejects.toMatchObject({
    code: 'SLUICE_UNEXPLAINED_FILES',
    message: expect.stringContaining('has analytics.db.wal, but not the database whose log it is'),
  });
  expect(readdirSync(dataDir).sort()).toEqual(['analytics.db.wal', 'parquet']);
  renameSync(log, `${log}.away`);
  await (await openSink(dataDir)).close();
});

it('what is spilled while a database is opened stays', () => {
  const folder = temporaryDirectory();
  const spilled = (name: string) => join(folder, `duckdb_temp_${name}`);
  for (const name of ['left', 'used']) writeFileSync(spilled(name), 'left');
  const found = spilledFiles([folder]);
  utimesSync(spilled('used'), 1, 1);
  writeFileSync(spilled('new'), 'new');
  removeSpilled(found);
  expect([...spilledFiles([folder]).keys()].sort()).toEqual([spilled('new'), spilled('used')]);
});

it('of two databases that are made at the same time one stays', async () => {
  const dataDir = temporaryDirectory();
  const options = { dataDir, threads: 1, memoryLimit: undefined };
  await Promise.all([createDatabase(options), createDatabase(options)]);
  expect(readdirSync(dataDir)).toEqual(['analytics.db']);
});
