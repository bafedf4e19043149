/** Data directories to recover, and the command. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { recover } from '../../src/commands/recover.js';
import { readConfig } from '../../src/config.js';
import { openSql } from '../../src/query/sql-client.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { listFiles, parquetPath } from '../../src/storage/data-dir.js';
import { checks } from '../../src/verify/checks.js';
import { readScope } from '../../src/verify/ledger.js';
import { makeBatch, openSink, order, select, TOPIC, token } from './batches.js';

/** The topic's Parquet files, relative to the data directory. */
export const parquetFiles = (dataDir: string) =>
  listFiles(join(dataDir, 'parquet'))
    .map((path) => relative(dataDir, path))
    .sort();

/** The name of the file of a range, relative to the data directory. */
export const nameOf = (partition: number, start: number, next: number) =>
  relative('x', parquetPath('x', TOPIC, partition, start, next));

export const database = (dataDir: string) => join(dataDir, 'analytics.db');

/** Damages what the file's first bytes do not tell: DuckDB finds a wrong checksum "in block". */
export function damageBlocks(dataDir: string): void {
  writeFileSync(database(dataDir), readFileSync(database(dataDir)).fill(0, 4096, 12_288));
}

/** Damages the block that has these bytes: DuckDB opens the database, and fails where it reads the block. */
export function damageBlockOf(dataDir: string, bytes: string | Uint8Array): void {
  const file = readFileSync(database(dataDir));
  const place = file.indexOf(bytes);
  if (place === -1) throw new Error('the database does not have the bytes as they are');
  for (let at = place; at !== -1; at = file.indexOf(bytes, at)) file[at] ^= 1;
  writeFileSync(database(dataDir), file);
}

/** Runs the command. @returns what it prints and whether all is well */
export async function recovered(dataDir: string, option: 'fromParquet' | 'removeUncounted' | undefined, env = {}) {
  const config = readConfig({ DATA_DIR: dataDir, ...env });
  let text = '';
  const options = { fromParquet: false, removeUncounted: false, ...(option && { [option]: true }) };
  const ok = await recover(config, options, (more) => {
    text += more;
  });
  return { ok, text };
}

/** Runs all checks that need no Kafka. */
export async function verified(dataDir: string): Promise<{ problems: string[]; notes: string[] }> {
  const client = await openSql(dataDir);
  const found = { problems: [] as string[], notes: [] as string[] };
  try {
    for await (const { problems, notes } of checks(client, await readScope(client, dataDir))) {
      found.problems.push(...problems);
      found.notes.push(...notes);
    }
  } finally {
    client.close();
  }
  return found;
}

/**
 * Two partitions: duplicates within and across them, quarantine, tombstones, a batch without rows in the middle
 * (offsets 3 to 5 of partition 1), compacted gaps.
 */
export async function fill(dataDir: string, sink: DuckDbSink): Promise<void> {
  const value = (n: number) => order(token(n), { amount: `${n}.25`, event_time: `2026-01-0${n}`, unknown: n });
  await sink.stage(await makeBatch(dataDir, 0, 0, [value(1), value(2), '{', null]));
  await sink.stage(await makeBatch(dataDir, 1, 0, [value(3), value(3), value(1)]));
  await sink.commit();
  await sink.stage(await makeBatch(dataDir, 0, 4, [value(2), value(4)], { nextOffset: 9 }));
  await sink.stage(await makeBatch(dataDir, 1, 3, ['{}', null]));
  await sink.commit();
  await sink.stage(await makeBatch(dataDir, 1, 5, [value(5), '[', order(token(6), { amount: 'x' })]));
  await sink.commit();
}

/** What must be the same after a recovery. */
export async function content(sink: DuckDbSink) {
  return {
    rows: await select(sink, 'FROM cdc_orders ORDER BY kafka_partition, kafka_offset'),
    view: await select(sink, 'FROM orders ORDER BY ALL'),
    positions: await select(
      sink,
      'SELECT partition_id, next_offset, first_offset, watermark, leader_epoch FROM sluice.positions ORDER BY ALL',
    ),
    counts: await select(
      sink,
      `SELECT partition_id, sum(rows_consumed), sum(rows_merged), sum(rows_duplicate), sum(rows_quarantined),
         sum(rows_tombstone), sum(rows_marker), sum(rows_late), sum(rows_with_issues)
       FROM sluice.batches GROUP BY ALL ORDER BY ALL`,
    ),
    columns: await select(sink, 'FROM sluice.columns ORDER BY ALL'),
  };
}

/** A filled directory whose sink is closed. @returns its content */
export async function filled(dataDir: string, { joined = false } = {}) {
  const sink = await openSink(dataDir);
  await fill(dataDir, sink);
  const before = await content(sink);
  if (joined) await sink.compact({ everything: true });
  await sink.close();
  return before;
}
