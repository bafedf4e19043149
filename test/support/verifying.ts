/** A data directory to verify, and a way to change its database unseen. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { openSql } from '../../src/query/sql-client.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { openRetention } from '../../src/sinks/duckdb/retention-tables.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { checks } from '../../src/verify/checks.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory, token } from './batches.js';

/** By name: made once in a process, because it takes longer than most tests of it. */
let written: Promise<ReadonlyMap<string, Buffer>> | undefined;

/** Two batches of partition 0, with duplicates, quarantine, a tombstone and a gap at the end; one of partition 1. */
export async function writtenDirectory(): Promise<string> {
  written ??= write(temporaryDirectory());
  const dataDir = temporaryDirectory();
  for (const [name, content] of await written) {
    const path = join(dataDir, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  return dataDir;
}

async function write(dataDir: string): Promise<ReadonlyMap<string, Buffer>> {
  const sink = await openSink(dataDir);
  const values = [order(token(1), { amount: 5 }), order(token(2)), '{', null];
  await sink.stage(await makeBatch(dataDir, 0, 0, values));
  await sink.commit();
  await sink.stage(await makeBatch(dataDir, 0, 4, [order(token(2)), order(token(3))], { nextOffset: 8 }));
  await sink.stage(await makeBatch(dataDir, 1, 0, [order('x')]));
  await sink.commit();
  await sink.close();
  return new Map(listFiles(dataDir).map((path) => [relative(dataDir, path), readFileSync(path)]));
}

/** What `sluice verify` finds wrong in a data directory of orders, but for Kafka. */
export async function problems(dataDir: string): Promise<string[]> {
  const client = await openSql(dataDir);
  const found: string[] = [];
  try {
    const scope = { dataDir, topic: TOPIC, spec: ORDERS_SPEC, table: 'cdc_orders', changeId: 'change_id' };
    for await (const { problems } of checks(client, scope)) found.push(...problems);
  } finally {
    client.close();
  }
  return found;
}

/** Runs a statement on the database of a data directory that no process holds. */
export function changeDatabase(dataDir: string, sql: string): Promise<void> {
  return withDatabase(dataDir, async (connection) => {
    await connection.run(sql);
  });
}

/** Makes the tables of a data directory as after the first run with RETAIN_*. */
export function retainIn(dataDir: string): Promise<void> {
  return withDatabase(dataDir, openRetention);
}

async function withDatabase(dataDir: string, work: (connection: DuckDBConnection) => Promise<void>): Promise<void> {
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'));
  const connection = await instance.connect();
  await work(connection);
  connection.closeSync();
  instance.closeSync();
}

/** Rows of a query on the database of a data directory that no process holds. */
export async function queryDatabase(dataDir: string, sql: string): Promise<unknown[][]> {
  const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'), { access_mode: 'READ_ONLY' });
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRows();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}
