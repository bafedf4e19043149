import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { RecordBatchStreamWriter } from 'apache-arrow';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BatchResult } from '../../../src/core/flow.js';
import { ArrowStaging } from '../../../src/sinks/duckdb/staging.js';
import { emptyTask, fakeBatch } from '../../support/fakes.js';
import { Random } from '../../support/random.js';
import {
  COLUMNS,
  randomColumns,
  readBack,
  recordBatchOf,
  SPEC,
  transpose,
  type Value,
} from '../../support/random-rows.js';

async function batchOf(recordBatches: readonly Value[][][]): Promise<BatchResult> {
  const arrow = RecordBatchStreamWriter.writeAll(recordBatches.map(recordBatchOf)).toUint8Array(true);
  return { ...(await fakeBatch(emptyTask(1))), arrow };
}

const TABLE = 'staging.rows_0';

async function open(): Promise<{ connection: DuckDBConnection; staging: ArrowStaging }> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await connection.run(`ATTACH ':memory:' AS staging; SET TimeZone = 'UTC'`);
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  const staging = new ArrowStaging(connection, SPEC, 'staging', 'rows_0');
  await staging.clear();
  return { connection, staging };
}

describe('ArrowStaging', () => {
  it.each([1, 7, 8, 2047, 2048, 2049, 4096, 5000])('takes %i rows of every type, to the bit', async (rows) => {
    const random = new Random(rows);
    const { connection, staging } = await open();
    const columns = randomColumns(rows, random, true);
    await staging.append(await batchOf([columns]));
    staging.flush();
    expect(await readBack(connection, TABLE)).toEqual(transpose(columns));
  });

  it('takes record batches with and without nulls in turn', async () => {
    const random = new Random(1);
    const { connection, staging } = await open();
    const parts = [true, false, true, false].map((nulls, index) => randomColumns(900 * index + 1, random, nulls));
    await staging.append(await batchOf(parts.slice(0, 3)));
    await staging.append(await batchOf(parts.slice(3)));
    staging.flush();
    expect(await readBack(connection, TABLE)).toEqual(parts.flatMap(transpose));
  });

  it('is empty again after it was cleared', async () => {
    const random = new Random(2);
    const { connection, staging } = await open();
    for (let group = 0; group < 3; group++) {
      const columns = randomColumns(3000, random, true);
      await staging.append(await batchOf([columns]));
      staging.flush();
      expect(await readBack(connection, TABLE)).toEqual(transpose(columns));
      await staging.clear();
      expect(await readBack(connection, TABLE)).toEqual([]);
    }
  });

  it('takes columns of empty strings and of nulls only', async () => {
    const { connection, staging } = await open();
    const columns = randomColumns(100, new Random(3), false).map((values, index) =>
      values.map((value) => {
        if (COLUMNS[index].nullable) return null;
        return COLUMNS[index].type === 'utf8' ? '' : value;
      }),
    );
    await staging.append(await batchOf([columns]));
    staging.flush();
    expect(await readBack(connection, TABLE)).toEqual(transpose(columns));
  });
});
