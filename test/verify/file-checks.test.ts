/** The checks of Parquet files against ledger and table, and what all checks have in common. */
import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import { literal } from '../../src/core/sql.js';
import { openSql, type SqlClient } from '../../src/query/sql-client.js';
import { LEDGER_FILES } from '../../src/sinks/duckdb/ledger-files.js';
import { parquetPath, RETENTION_FORMAT, temporaryPath } from '../../src/storage/data-dir.js';
import { type CheckResult, counted, problemsOf } from '../../src/verify/check.js';
import { checks } from '../../src/verify/checks.js';
import { fileChecks } from '../../src/verify/files.js';
import { hasTables, readScope } from '../../src/verify/ledger.js';
import { TOPIC, temporaryDirectory } from '../support/batches.js';
import { unpacked } from '../support/old-directories.js';
import { changeDatabase, retainIn, writtenDirectory } from '../support/verifying.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await writtenDirectory();
});

const first = () => parquetPath(dataDir, TOPIC, 0, 0, 4);

/** @param around what stands between the checks and the database @param made which checks */
async function results(around = (client: SqlClient) => client, made = fileChecks): Promise<CheckResult[]> {
  const client = await openSql(dataDir);
  try {
    const found: CheckResult[] = [];
    for await (const result of made(around(client), await readScope(client, dataDir))) found.push(result);
    return found;
  } finally {
    client.close();
  }
}

const problems = async (around?: (client: SqlClient) => SqlClient) =>
  (await results(around)).flatMap((result) => result.problems);

/** A process runs. */
const live = (client: SqlClient): SqlClient => ({
  live: true,
  query: (sql) => client.query(sql),
  arrow: (sql) => client.arrow(sql),
  close: () => {},
});

/** Replaces columns in a file, or leaves rows out, of which the ledger knows the size. */
async function rewrite(path: string, replaced: string, where = 'true'): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const from = `read_parquet(${literal(path)}, hive_partitioning = false)`;
  await connection.run(
    `COPY (SELECT * REPLACE (${replaced}) FROM ${from} WHERE ${where}) TO ${literal(`${path}.new`)} (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
  renameSync(`${path}.new`, path);
  const name = path.slice(dataDir.length + 1);
  await changeDatabase(
    dataDir,
    `UPDATE sluice.batches SET file_bytes = ${statSync(path).size} WHERE file = ${literal(name)}`,
  );
}

describe('the rows of a file', () => {
  it.each([
    [[0, 4], '0::BIGINT AS kafka_offset', 'has 1 offsets twice'],
    [[0, 4], 'kafka_offset + 3 AS kafka_offset', 'has offsets 3 to 4'],
    [[4, 8], 'kafka_offset - 2 AS kafka_offset', 'has offsets 2 to 3'],
    [[0, 4], '1::INTEGER AS kafka_partition', 'has rows of another partition'],
  ])('of the offsets %j are its own, not %s', async ([start, next], replaced, problem) => {
    const path = parquetPath(dataDir, TOPIC, 0, start, next);
    await rewrite(path, replaced);
    expect(await problems()).toContain(`${path.slice(dataDir.length + 1)} ${problem}`);
  });

  it('are none if the ledger says so', async () => {
    await rewrite(first(), 'kafka_offset AS kafka_offset', 'false');
    expect(await problems()).toContain(`${first().slice(dataDir.length + 1)} has 0 rows, the ledger says 2`);
    await changeDatabase(
      dataDir,
      `UPDATE sluice.batches SET rows_tombstone = 3, rows_merged = 0 WHERE partition_id = 0 AND start_offset = 0;
       DELETE FROM cdc_orders WHERE kafka_partition = 0 AND kafka_offset < 4`,
    );
    expect(await problems()).toEqual([]);
  });

  it('are compared in the columns that the file has', async () => {
    await changeDatabase(dataDir, `DROP VIEW orders; ALTER TABLE cdc_orders ADD COLUMN other VARCHAR DEFAULT 'x'`);
    expect(await problems()).toEqual([]);
  });

  it('are compared with those of the table at the offsets of files only', async () => {
    await changeDatabase(
      dataDir,
      `UPDATE sluice.batches SET start_offset = 5 WHERE start_offset = 4;
      INSERT INTO cdc_orders SELECT * REPLACE (4 AS kafka_offset, 'y' AS change_id)
        FROM cdc_orders WHERE kafka_offset = 1`,
    );
    const found = (await results(undefined, checks)).filter(({ problems }) => problems.length > 0);
    const names = found.map(({ name }) => name);
    expect(names).not.toContain('every row of cdc_orders is in the files, value by value');
    expect(names).toContain('the ranges of each partition are contiguous');
  });
});

describe('files beside those of the ledger', () => {
  const note = async () => (await results()).at(-1)?.notes;

  it('may be of a rewriting that was not finished', async () => {
    const bytes = statSync(first()).size + 1;
    const name = first().slice(dataDir.length + 1);
    await changeDatabase(dataDir, `UPDATE sluice.batches SET file_bytes = ${bytes} WHERE file = ${literal(name)}`);
    writeFileSync(temporaryPath(first()), new Uint8Array(bytes));
    expect(await note()).toEqual([`the next start puts the new ${name} in place: its rewriting was not finished`]);
    expect(await problems()).toEqual([]);
  });

  it('may be one that has left', async () => {
    await retainIn(dataDir);
    await changeDatabase(
      dataDir,
      'UPDATE sluice.batches SET file_retired = file, file = NULL WHERE partition_id = 0 AND start_offset = 0',
    );
    expect(await note()).toEqual([
      `the next start removes ${first().slice(dataDir.length + 1)}: it has left (RETAIN_PARQUET)`,
    ]);
    expect(await problems()).toEqual([]);
  });
});

describe('while a process runs', () => {
  const age = (path: string, seconds: number) => {
    const time = Date.now() / 1000 - seconds;
    utimesSync(path, time, time);
  };

  it('files that the ledger does not name yet may be of a commit, for a minute', async () => {
    const path = parquetPath(dataDir, TOPIC, 0, 8, 9);
    const temporary = join(dataDir, 'parquet', TOPIC, '.a.parquet.tmp');
    for (const file of [path, temporary]) writeFileSync(file, 'x');
    const stray = async () => (await results(live)).at(-1);
    expect(await stray()).toMatchObject({ problems: [], notes: [] });
    for (const file of [path, temporary]) age(file, 70);
    expect(await stray()).toMatchObject({
      problems: [path.slice(dataDir.length + 1)],
      notes: [expect.stringMatching(/^the next start removes parquet\S*a\.parquet\.tmp/)],
    });
  });

  it('a check of files that were joined meanwhile is made again', async () => {
    const name = first().slice(dataDir.length + 1);
    const gone = `SELECT * REPLACE (replace(file, ${literal(name)}, 'gone.parquet') AS file) FROM (${LEDGER_FILES})`;
    /** The ledger names another file at first. */
    const joining = (isLive: boolean, times: number) => (client: SqlClient) => ({
      live: isLive,
      query: (sql: string) => client.query(sql === LEDGER_FILES && times-- > 0 ? gone : sql),
      arrow: (sql: string) => client.arrow(sql),
      close: () => {},
    });
    expect(await problems(joining(true, 1))).toEqual([]);
    expect(await problems(joining(true, 2))).toEqual(['gone.parquet is missing']);
    expect(await problems(joining(false, 1))).toEqual(['gone.parquet is missing']);
  });
});

describe('what is to be verified', () => {
  it.each([1, 2])('is less in a directory of format %i', async (format) => {
    dataDir = unpacked(format);
    const found = await results(undefined, checks);
    expect(found.flatMap((result) => result.problems)).toEqual([]);
    const skipped = found.filter((result) => result.skipped !== undefined).map(({ name }) => name.slice(0, 15));
    expect(skipped).toEqual(format === 1 ? ['each partition ', 'sluice.markers '] : ['sluice.markers ']);
    for (const result of found) expect(result.skipped ?? '').toMatch(/^(the data directory has format [12], .*)?$/);
    expect(found.map(({ name }) => name)).not.toContain('every marker is in the files');
    expect(found.some(({ notes }) => notes.length > 0)).toBe(format === 2);
  });

  it('is nothing before a run made its tables', async () => {
    await changeDatabase(dataDir, 'DELETE FROM sluice.meta');
    const empty = temporaryDirectory();
    await changeDatabase(empty, 'SELECT 1');
    for (const directory of [dataDir, empty]) {
      const client = await openSql(directory);
      expect(await hasTables(client)).toBe(false);
      await expect(readScope(client, directory)).rejects.toMatchObject({
        code: 'SLUICE_CONFIG',
        message: expect.stringContaining('has no tables yet'),
      });
      client.close();
    }
  });

  it('is not what a newer Sluice made', async () => {
    await changeDatabase(dataDir, `UPDATE sluice.meta SET format_version = ${RETENTION_FORMAT + 1}`);
    const client = await openSql(dataDir);
    await expect(readScope(client, dataDir)).rejects.toThrow(`has format ${RETENTION_FORMAT + 1}`);
    client.close();
  });
});

describe('a check', () => {
  it('tells ten problems', async () => {
    expect(await problemsOf(async () => Array.from({ length: 11 }, String))).toHaveLength(10);
  });

  it('finds something if a query fails, and fails with all else', async () => {
    const failing = (error: Error) => problemsOf(async () => Promise.reject(error));
    const query = (message: string) => failing(new SluiceError('SLUICE_QUERY', message));
    expect(await query('IO Error: cannot be read\nLINE 1: …')).toEqual(['IO Error: cannot be read']);
    expect(await query('Catalog Error: View with name orders does not exist! Did you mean …')).toEqual([
      'the view orders is missing in analytics.db: put the database back',
    ]);
    expect(await query('Binder Error: Column with name a does not exist')).toEqual([
      'the column a is missing in analytics.db or in a file',
    ]);
    expect(await query('Binder Error: Referenced column "price" not found in FROM clause!')).toEqual([
      'the column price is missing in analytics.db or in a file',
    ]);
    expect(await failing(new SluiceError('SLUICE_SINK', 'is damaged'))).toEqual(['is damaged']);
    for (const other of ['Catalog Error: Table with name a does not exist', 'Binder Error: Column with name a is']) {
      expect(await query(`IO Error: ${other}`)).toEqual([`IO Error: ${other}`]);
    }
    for (const error of [new SluiceError('SLUICE_CONFIG', 'no'), new Error('no')]) {
      await expect(failing(error)).rejects.toBe(error);
    }
  });

  it('counts in words', () => {
    expect([0, 1, 2, 1234].map((count) => counted(count, 'row'))).toEqual(['0 rows', '1 row', '2 rows', '1,234 rows']);
  });
});
