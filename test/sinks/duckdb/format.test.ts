/** Data directories that earlier versions made. */
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { sinkOptions } from '../../support/batches.js';
import { FORMAT_1, FORMAT_1_TOPIC, unpacked } from '../../support/old-directories.js';
import { recovered, verified } from '../../support/recovering.js';
import { changeDatabase, queryDatabase } from '../../support/verifying.js';

/** Of the directory of format 2. */
const CAPTURED = 'cdc_orders';
const TABLE = "SELECT COLUMNS(c -> c <> 'order_id_type') FROM cdc_orders ORDER BY kafka_partition, kafka_offset";

/** Opens it as `run` does, and closes it. */
async function open(dataDir: string, topic = FORMAT_1_TOPIC) {
  const sink = new DuckDbSink({ ...sinkOptions(dataDir), topic });
  try {
    const state = await sink.open();
    return { ...state, positions: await sink.claim([0, 1]) };
  } finally {
    await sink.close();
  }
}

describe('a data directory of format 1', () => {
  it('is brought up to date, with every row as it was', async () => {
    const dataDir = unpacked();
    const before = await queryDatabase(dataDir, TABLE);
    expect(await open(dataDir)).toMatchObject({ positions: [{ nextOffset: 27 }, { nextOffset: 27 }], removed: [] });
    expect(await verified(dataDir)).toEqual({
      problems: [],
      notes: ['began for a reason that was not recorded: partition 0 at 0, partition 1 at 0'],
    });
    expect(await queryDatabase(dataDir, TABLE)).toEqual(before);
    expect(await queryDatabase(dataDir, 'SELECT format_version, created_format FROM sluice.meta')).toEqual([[3, 1]]);
  });

  it('loses markers from its change log', async () => {
    const dataDir = unpacked();
    await changeDatabase(dataDir, `UPDATE cdc_orders SET operation = 'snapshot_begin' WHERE kafka_offset = 0`);
    const count = 'SELECT (SELECT count(*) FROM cdc_orders), (SELECT sum(rows_merged) FROM sluice.batches)';
    const [[rows, merged]] = (await queryDatabase(dataDir, count)) as [[bigint, bigint]];
    await open(dataDir);
    expect(await queryDatabase(dataDir, count)).toEqual([[rows - 2n, merged - 2n]]);
    expect(await queryDatabase(dataDir, 'SELECT sum(rows_marker) FROM sluice.batches')).toEqual([[2n]]);
  });

  it('is refused with every file kept when its database lost commits', async () => {
    const dataDir = unpacked();
    await changeDatabase(
      dataDir,
      `DELETE FROM sluice.batches WHERE start_offset >= 22; DELETE FROM cdc_orders WHERE kafka_offset >= 22;
       DELETE FROM sluice.quarantine WHERE message_offset >= 22; UPDATE sluice.positions SET next_offset = 22`,
    );
    await expect(open(dataDir)).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
  });

  it('is recovered from its Parquet files, with and without its database', async () => {
    const before = await queryDatabase(unpacked(), TABLE);
    for (const lose of [
      () => {},
      (dataDir: string) => copyFileSync(join(FORMAT_1, 'data.tar.gz'), join(dataDir, 'analytics.db')),
    ]) {
      const dataDir = unpacked();
      lose(dataDir);
      const { text } = await recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: FORMAT_1_TOPIC });
      expect(text).toMatch(/0+-0+17\.parquet does not say how many messages/);
      // Those that tell it by status: a status that there was not then is not missed.
      expect(text).not.toMatch(/0+22-0+27\.parquet does not say how many messages/);
      expect((await verified(dataDir)).problems).toEqual([]);
      expect(await queryDatabase(dataDir, TABLE)).toEqual(before);
      expect(await queryDatabase(dataDir, 'SELECT format_version, created_format FROM sluice.meta')).toEqual([[3, 1]]);
      expect(await open(dataDir)).toMatchObject({ positions: [{ nextOffset: 27 }, { nextOffset: 27 }], removed: [] });
    }
  });
});

/** Its markers are rows of the change log, and counted as merged. */
describe('a data directory of format 2', () => {
  const PRESENT = 'SELECT order_id FROM orders ORDER BY 1';
  const MARKERS = 'SELECT partition_id, message_offset, operation FROM sluice.markers ORDER BY ALL';
  const COUNTERS = `SELECT partition_id, start_offset, rows_consumed, rows_merged, rows_duplicate, rows_marker
    FROM sluice.batches ORDER BY ALL`;
  const markers = [
    [0, 2n, 'snapshot_begin'],
    [0, 4n, 'snapshot_end'],
    [0, 10n, 'snapshot_begin'],
    [0, 12n, 'snapshot_end'],
    [1, 0n, 'snapshot_begin'],
    [1, 1n, 'snapshot_end'],
  ];
  const counters = [
    [0, 0n, 6n, 3n, 0n, 2n],
    [0, 6n, 4n, 1n, 2n, 0n],
    [0, 10n, 2n, 1n, 0n, 1n],
    [0, 12n, 2n, 1n, 0n, 1n],
    [1, 0n, 3n, 1n, 0n, 2n],
    [1, 3n, 2n, 1n, 0n, 0n],
  ];

  it('is brought up to date: markers get their table and counter, all else stays as it was', async () => {
    const dataDir = unpacked(2);
    const notMarkers = `${TABLE.replace(' ORDER', " WHERE operation NOT LIKE 'snapshot\\__%' ESCAPE '\\' ORDER")}`;
    const [rows, present] = [await queryDatabase(dataDir, notMarkers), await queryDatabase(dataDir, PRESENT)];
    expect(present).toEqual([['a'], ['c'], ['e'], ['f']]);
    expect(await open(dataDir, CAPTURED)).toMatchObject({ positions: [{ nextOffset: 14 }, { nextOffset: 5 }] });
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await queryDatabase(dataDir, TABLE)).toEqual(rows);
    expect(await queryDatabase(dataDir, PRESENT)).toEqual(present);
    expect(await queryDatabase(dataDir, MARKERS)).toEqual(markers);
    expect(await queryDatabase(dataDir, COUNTERS)).toEqual(counters);
    expect(await queryDatabase(dataDir, 'SELECT format_version, created_format FROM sluice.meta')).toEqual([[3, 2]]);
    // Once.
    await open(dataDir, CAPTURED);
    expect(await queryDatabase(dataDir, COUNTERS)).toEqual(counters);
  });

  it('stays of format 2, markers and counters included, if its upgrade fails', async () => {
    const dataDir = unpacked(2);
    await changeDatabase(dataDir, 'CREATE SCHEMA IF NOT EXISTS sluice; CREATE TABLE sluice.markers (other INTEGER)');
    const before = await queryDatabase(dataDir, 'FROM sluice.batches ORDER BY ALL');
    await expect(open(dataDir, CAPTURED)).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(await queryDatabase(dataDir, 'FROM sluice.batches ORDER BY ALL')).toEqual(before);
    expect(await queryDatabase(dataDir, 'SELECT format_version FROM sluice.meta')).toEqual([[2]]);
  });

  it('is recovered from its Parquet files, with and without its database', async () => {
    for (const lose of [() => {}, (dataDir: string) => rmSync(join(dataDir, 'analytics.db'))]) {
      const dataDir = unpacked(2);
      lose(dataDir);
      const { text } = await recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: CAPTURED });
      expect(text).toContain('8 rows merged, 2 duplicates, 6 markers of snapshots\n');
      expect((await verified(dataDir)).problems).toEqual([]);
      expect(await queryDatabase(dataDir, MARKERS)).toEqual(markers);
      expect(await queryDatabase(dataDir, PRESENT)).toEqual([['a'], ['c'], ['e'], ['f']]);
    }
  });

  it('gives a recovery its batches without rows, which did not count markers', async () => {
    const dataDir = unpacked(2);
    const [[file]] = await queryDatabase(
      dataDir,
      'SELECT file FROM sluice.batches WHERE partition_id = 1 AND start_offset = 0',
    );
    await changeDatabase(
      dataDir,
      `UPDATE sluice.batches SET file = NULL, file_bytes = NULL, rows_merged = 0, rows_tombstone = 3
       WHERE partition_id = 1 AND start_offset = 0`,
    );
    rmSync(join(dataDir, String(file)));
    await recovered(dataDir, 'fromParquet', { KAFKA_TOPIC: CAPTURED });
    expect((await verified(dataDir)).problems).toEqual([]);
    expect((await queryDatabase(dataDir, COUNTERS)).slice(-2)).toEqual([[1, 0n, 3n, 0n, 0n, 0n], counters.at(-1)]);
  });
});

it('a directory gets the column of a counter that was added since, 0 for the batches before', async () => {
  const dataDir = unpacked();
  await open(dataDir);
  await changeDatabase(dataDir, 'ALTER TABLE sluice.batches DROP COLUMN rows_late');
  await open(dataDir);
  expect(await queryDatabase(dataDir, 'SELECT DISTINCT rows_late FROM sluice.batches')).toEqual([[0n]]);
});
