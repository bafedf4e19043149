/** The checks of a lake's files on a catalog that is made by hand: what they say needs no DuckLake. */
import { cpSync, mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { literal } from '../../src/core/sql.js';
import { readFiles, type SqlClient } from '../../src/query/sql-client.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { METADATA } from '../../src/sinks/ducklake/lake.js';
import { lakeFilePath } from '../../src/storage/lake-files.js';
import type { CheckResult } from '../../src/verify/check.js';
import { lakeChecks } from '../../src/verify/lake-files.js';
import { TOPIC, temporaryDirectory } from '../support/batches.js';

const TABLES = `ATTACH ':memory:' AS ${METADATA};
  CREATE TABLE ${METADATA}.ducklake_schema AS SELECT 0 AS schema_id, 'main' AS schema_name, 'main/' AS path;
  CREATE TABLE ${METADATA}.ducklake_table AS
    SELECT 1 AS table_id, 0 AS schema_id, 'cdc_orders' AS table_name, 'cdc_orders/' AS path,
      NULL::BIGINT AS end_snapshot;
  CREATE TABLE ${METADATA}.ducklake_data_file (data_file_id BIGINT DEFAULT 1, table_id BIGINT DEFAULT 1, path VARCHAR,
    path_is_relative BOOLEAN DEFAULT false, file_size_bytes BIGINT, record_count BIGINT, end_snapshot BIGINT);
  CREATE TABLE ${METADATA}.ducklake_delete_file AS
    SELECT * RENAME (record_count AS delete_count) FROM ${METADATA}.ducklake_data_file;
  CREATE TABLE ${METADATA}.ducklake_files_scheduled_for_deletion (path VARCHAR, path_is_relative BOOLEAN);
  CREATE SCHEMA ${METADATA}.sluice;
  CREATE TABLE ${METADATA}.sluice.owners (topic VARCHAR, partition_id INTEGER, epoch BIGINT, next_offset BIGINT);
  CREATE SCHEMA sluice;
  CREATE TABLE sluice.meta AS SELECT 3 AS format_version;
  CREATE TABLE sluice.batches (partition_id INTEGER, start_offset BIGINT, next_offset BIGINT, rows_merged BIGINT);
  CREATE TABLE sluice.positions (topic VARCHAR, partition_id INTEGER, next_offset BIGINT);
  CREATE TABLE cdc_orders (kafka_partition INTEGER, kafka_offset BIGINT)`;

let dataPath: string;
let connection: DuckDBConnection;
let instance: DuckDBInstance;
/** Of two rows. */
let example: string;

beforeEach(async () => {
  dataPath = join(temporaryDirectory(), 'lake');
  mkdirSync(dataPath);
  instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  await connection.run(TABLES);
  example = join(dirname(dataPath), 'example.parquet');
  await connection.run(`COPY (SELECT unnest([0, 1]) AS kafka_offset) TO ${literal(example)} (FORMAT parquet)`);
});

const pathOf = (partition: number, start: number, epoch = 1) =>
  lakeFilePath(`${dataPath}/${TOPIC}`, partition, epoch, start, start + 2);

/** A file of a worker, which no catalog names. */
function write(path: string): string {
  mkdirSync(dirname(path), { recursive: true });
  cpSync(example, path);
  return path;
}

/** Commits a file of two rows. */
async function commit(partition: number, start: number): Promise<string> {
  const path = write(pathOf(partition, start));
  await connection.run(`INSERT INTO ${METADATA}.ducklake_data_file (path, file_size_bytes, record_count)
    VALUES (${literal(path)}, ${statSync(path).size}, 2)`);
  await connection.run(`INSERT INTO sluice.batches VALUES (${partition}, ${start}, ${start + 2}, 2)`);
  await connection.run(`INSERT INTO cdc_orders VALUES (${partition}, ${start}), (${partition}, ${start + 1})`);
  return path;
}

async function results({ isShared = false, live = false } = {}): Promise<CheckResult[]> {
  const reader = readFiles({ connect: () => instance.connect(), close: () => {} });
  const client: SqlClient = {
    live,
    query: (sql) => reader.query(sql),
    arrow: (sql) => reader.arrow(sql),
    close: () => {},
  };
  const scope = { dataDir: '/data', topic: TOPIC, spec: ORDERS_SPEC, table: 'cdc_orders', changeId: 'change_id' };
  const found: CheckResult[] = [];
  for await (const result of lakeChecks(client, scope, { dataPath, isShared })) found.push(result);
  return found;
}

const problems = async (options = {}) => (await results(options)).flatMap((result) => result.problems);
const notes = async (options = {}) => (await results(options)).flatMap((result) => result.notes);

describe('the checks of files of a lake', () => {
  it('find nothing if all agrees, whatever number of files there is', async () => {
    const path = await commit(0, 0);
    for (let start = 2; start < 402; start += 2) write(pathOf(0, start));
    await connection.run(`INSERT INTO ${METADATA}.ducklake_data_file (path, file_size_bytes, record_count)
      SELECT file, ${statSync(path).size}, 2 FROM glob(${literal(`${dataPath}/**`)}) WHERE file <> ${literal(path)}`);
    expect((await results()).map(({ name, problems, notes }) => [name, problems, notes])).toEqual([
      ['all files of the lake are there, in full', [], []],
      ['each file has the rows that the catalog counts', [], []],
      ['cdc_orders has the rows of each batch at its offsets', [], []],
      ['there are no files of the lake that the catalog does not name', [], []],
    ]);
    const last = pathOf(0, 400);
    truncateSync(last, 10);
    const [before] = readdirSync(dirname(path)).slice(-2);
    await connection.run(`UPDATE ${METADATA}.ducklake_data_file SET record_count = 3 WHERE path LIKE '%${before}'`);
    expect(await problems()).toEqual([
      `${last} has 10 bytes, the catalog says ${statSync(path).size}`,
      expect.stringMatching(`${before} has 2 rows, the catalog says 3`),
    ]);
    rmSync(path);
    expect((await problems())[0]).toBe(`${path} is missing`);
  });

  it('compare the owners of a shared catalog with the ledger', async () => {
    await connection.run(`INSERT INTO ${METADATA}.sluice.owners VALUES
      ('${TOPIC}', 0, 3, 4), ('${TOPIC}', 1, 3, NULL), ('${TOPIC}', 2, 3, 5)`);
    await connection.run(`INSERT INTO sluice.positions VALUES ('${TOPIC}', 0, 4), ('${TOPIC}', 2, 6)`);
    expect(await problems()).toEqual([]);
    const found = await results({ isShared: true });
    expect(found.map(({ name }) => name)).toContain('the owners of partitions are where the ledger ends');
    expect(found.flatMap((result) => result.problems)).toEqual(['partition 2: its owner is at 5, the ledger at 6']);
  });
});

describe('files that the catalog of a lake does not name', () => {
  const unfinished = (path: string) => `the next start removes ${path}: a commit that was not finished`;

  it('are of a commit that was not finished, or is under way if a process runs', async () => {
    await commit(0, 0);
    const path = write(pathOf(0, 2));
    expect(await notes()).toEqual([unfinished(path)]);
    expect(await notes({ live: true })).toEqual(['1 file of commits that are under way, or were not finished']);
  });

  it('are of a commit that was not finished if their partition has a newer owner', async () => {
    await connection.run(`INSERT INTO ${METADATA}.sluice.owners VALUES
      ('${TOPIC}', 0, 5, 0), ('${TOPIC}', 1, 3, 0), ('another', 2, 9, 0)`);
    await connection.run(`INSERT INTO sluice.positions VALUES ('${TOPIC}', 0, 0), ('${TOPIC}', 1, 0)`);
    const old = write(pathOf(0, 2, 4));
    for (const [partition, epoch] of [
      [0, 5],
      [1, 4],
      [2, 1],
    ])
      write(pathOf(partition, 4, epoch));
    const expected = [unfinished(old), '3 files of commits that are under way, or were not finished'];
    expect(await notes({ isShared: true })).toEqual(expected);
    expect(await notes({ isShared: true, live: true })).toEqual(expected);
  });

  it('are named up to ten', async () => {
    for (let start = 0; start < 24; start += 2) write(pathOf(0, start));
    expect(await notes()).toEqual(Array.from({ length: 10 }, (_, index) => unfinished(pathOf(0, 2 * index))));
  });

  it('may be of DuckLake, which removes them, or of nobody', async () => {
    const ofDuckLake = join(dataPath, 'main', 'ducklake-01a2253c-a47c-7e98-9a3d-66a88c0b2bf9.parquet');
    mkdirSync(dirname(ofDuckLake));
    writeFileSync(ofDuckLake, '');
    write(lakeFilePath(`${dataPath}/another_topic`, 0, 1, 0, 2));
    write(join(dataPath, TOPIC, 'of-someone-else.parquet'));
    expect(await notes()).toEqual(['1 file of DuckLake not in the catalog: housekeeping removes leftovers']);
    await connection.run(
      `INSERT INTO ${METADATA}.ducklake_files_scheduled_for_deletion VALUES (${literal(ofDuckLake)}, false)`,
    );
    expect(await notes()).toEqual([]);
  });
});
