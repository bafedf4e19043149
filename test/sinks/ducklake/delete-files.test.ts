/** Delete files of a lake in a folder: kept until it is known what became of their transaction. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { DeleteFiles } from '../../../src/sinks/ducklake/delete-files.js';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, s3LakeOptions } from '../../support/lakes.js';
import { describeS3 } from '../../support/s3.js';

/** A lake with a file of each partition, whose catalog has no rows; and the delete files of one of its connections. */
async function setUp(options = lakeOptions(temporaryDirectory())) {
  const sink = await openLakeSink(options);
  const values = (first: number) => Array.from({ length: 40 }, (_, n) => order(token(first + n)));
  await sink.stage(await makeLakeBatch(options, 0, 0, values(1)));
  await sink.stage(await makeLakeBatch(options, 1, 0, values(50)));
  await sink.commit();
  const [connection, other] = [await sink.connect(), await sink.connect()];
  for (const [schema, table] of [
    ['main', 'cdc_orders'],
    ['sluice', 'quarantine'],
  ]) {
    await connection.run(
      `CALL lake.set_option('data_inlining_row_limit', 0, schema => '${schema}', table_name => '${table}')`,
    );
  }
  const deleteFiles = new DeleteFiles(other, options.dataPath, ORDERS_SPEC);
  onTestFinished(() => {
    connection.closeSync();
    deleteFiles.close();
  });
  const folder = join(options.dataPath, 'main', 'cdc_orders');
  const names = () => (existsSync(folder) ? readdirSync(folder).sort() : []);
  return { connection, deleteFiles, folder, names };
}

/** Deletes rows, in a transaction. */
async function deleteRows(connection: DuckDBConnection, deleteFiles: DeleteFiles, where: string): Promise<void> {
  await connection.run('BEGIN');
  try {
    await deleteFiles.during(
      connection,
      async () => void (await connection.run(`DELETE FROM cdc_orders WHERE ${where}`)),
    );
  } catch (thrown) {
    // Not when the connection is closed, which would wait for an object store that waits for this thread.
    await connection.run('ROLLBACK');
    throw thrown;
  }
  await connection.run('COMMIT');
}

describe.skipIf(whyNoExtensions() !== undefined)('delete files', () => {
  it('of all transactions since the last that is known are put back', async () => {
    const { connection, deleteFiles, folder, names } = await setUp();
    expect(names()).toEqual([]);
    await deleteRows(connection, deleteFiles, 'kafka_partition = 0 AND kafka_offset < 30');
    const [first] = names();
    const content = readFileSync(join(folder, first));
    await deleteRows(connection, deleteFiles, 'kafka_partition = 1 AND kafka_offset < 30');
    const [, second] = names();
    expect(names()).toHaveLength(2);
    rmSync(join(folder, first));
    writeFileSync(join(folder, second), 'another');
    await deleteFiles.restore();
    expect(names()).toEqual([first, second]);
    expect(readFileSync(join(folder, first)).equals(content)).toBe(true);
    // One that is there is not touched.
    expect(readFileSync(join(folder, second), 'utf8')).toBe('another');
    rmSync(folder, { recursive: true });
    await expect(deleteFiles.restore()).rejects.toThrow('no such file or directory');
  });

  it('of transactions that are known are not, nor those of before', async () => {
    const { connection, deleteFiles, folder, names } = await setUp();
    await deleteRows(connection, deleteFiles, 'kafka_partition = 0 AND kafka_offset < 30');
    deleteFiles.forget();
    await deleteRows(connection, deleteFiles, 'kafka_partition = 1 AND kafka_offset < 30');
    const [first, second] = names();
    for (const name of [first, second]) rmSync(join(folder, name));
    await deleteFiles.restore();
    expect(names()).toEqual([second]);
  });

  it('are none if no row is deleted, and only those of the tables that are named', async () => {
    const { connection, deleteFiles, folder, names } = await setUp();
    await deleteRows(connection, deleteFiles, 'kafka_partition = 7');
    expect(names()).toEqual([]);
    await connection.run('BEGIN');
    await deleteFiles.during(
      connection,
      async () => void (await connection.run('DELETE FROM cdc_orders WHERE kafka_partition = 0 AND kafka_offset < 30')),
      ['quarantine', 'markers'],
    );
    await connection.run('COMMIT');
    rmSync(join(folder, names()[0]));
    await deleteFiles.restore();
    expect(names()).toEqual([]);
  });

  it('of Sluice’s tables are put back, too', async () => {
    const { connection, deleteFiles, folder } = await setUp();
    const ofQuarantine = join(folder, '..', '..', 'sluice', 'quarantine');
    await connection.run(
      `INSERT INTO sluice.quarantine BY NAME SELECT 't' AS topic, 0 AS partition_id, range AS message_offset,
         'x' AS reason FROM range(1000)`,
    );
    const files = () => readdirSync(ofQuarantine).filter((name) => name.endsWith('-delete.parquet'));
    await connection.run('BEGIN');
    await deleteFiles.during(
      connection,
      async () => void (await connection.run('DELETE FROM sluice.quarantine WHERE message_offset < 500')),
      ['quarantine'],
    );
    await connection.run('COMMIT');
    const [name] = files();
    rmSync(join(ofQuarantine, name));
    await deleteFiles.restore();
    expect(files()).toEqual([name]);
  });

  describeS3('in an object store', (s3) => {
    it('are put back as they were, but for those of transactions that are known', { timeout: 60_000 }, async () => {
      const dataPath = `s3://${await s3().createBucket()}/lake`;
      const { connection, deleteFiles } = await setUp(s3LakeOptions(s3().endpoint, dataPath));
      const stored = async () =>
        new Map(
          (await rowsOf(connection, `FROM read_blob('${dataPath}/main/cdc_orders/*-delete.parquet')`)).map(
            ({ filename, content }) => [String(filename), String(content)],
          ),
        );
      await deleteRows(connection, deleteFiles, 'kafka_partition = 0 AND kafka_offset < 30');
      deleteFiles.forget();
      const [known] = (await stored()).keys();
      await deleteRows(connection, deleteFiles, 'kafka_partition = 1 AND kafka_offset < 30');
      const both = await stored();
      expect(both.size).toBe(2);
      const spoilt = 'x';
      for (const file of both.keys())
        await connection.run(`COPY (SELECT '${spoilt}'::BLOB) TO '${file}' (FORMAT blob)`);
      await deleteFiles.restore();
      expect(await stored()).toEqual(both.set(known, spoilt));
    });
  });
});
