import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Data, makeData, RecordBatch, Struct, vectorFromArray } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { arrowSchema } from '../src/arrow.js';
import { parquetPath, temporaryPath } from '../src/data-dir.js';
import { ParquetFiles } from '../src/parquet.js';
import type { ParquetCompression } from '../src/parquet-copy.js';
import { ORDERS_SPEC } from '../src/spec-file.js';
import { Random } from './support/random.js';
import { randomColumns, readBack, recordBatchOf, SPEC, transpose } from './support/random-rows.js';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sluice-parquet-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const schema = arrowSchema(ORDERS_SPEC);
const ROWS = 3;
const METADATA = new Map([['sluice.topic', 'cdc_orders']]);

/** Three rows: every text is the column's name with the row number, or null in the last row where it may be. */
function orders(): RecordBatch {
  const children = schema.fields.map((field): Data => {
    const name = field.name;
    if (name === 'amount') {
      // 1.5, -2.25 and null, scaled by 10^4, as 128-bit two's complement.
      const data = new Uint32Array([15_000, 0, 0, 0, -22_500, -1, -1, -1, 0, 0, 0, 0].map((word) => word >>> 0));
      return makeData({
        type: field.type as never,
        length: ROWS,
        nullCount: 1,
        data,
        nullBitmap: new Uint8Array([0b011]),
      } as never);
    }
    const values = Array.from({ length: ROWS }, (_, row) => {
      if (field.nullable && row === 2) return null;
      if (name.startsWith('is_')) return row === 1;
      if (name === 'kafka_partition') return 3;
      if (/^(issues|kafka_offset|change_seq)$/.test(name)) return BigInt(row);
      if (/(time|timestamp)$/.test(name)) return new Date(Date.UTC(2026, 0, 1) + row * 1000);
      return `${name} ${row}`;
    });
    return vectorFromArray(values, field.type).data[0];
  });
  return new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length: ROWS, children }));
}

async function query(sql: string): Promise<Record<string, unknown>[]> {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  try {
    return (await connection.runAndReadAll(sql)).getRowObjectsJson();
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

describe('ParquetFiles', () => {
  const path = () => parquetPath(dataDir, 'cdc_orders', 3, 17, 20);

  it('names files by partition and padded offsets', () => {
    expect(parquetPath('/d', 't', 12, 5, 1000)).toBe(
      '/d/parquet/t/sluice_partition=12/00000000000000000005-00000000000000001000.parquet',
    );
    expect(temporaryPath('/d/p/1-2.parquet')).toBe('/d/p/.1-2.parquet.tmp');
  });

  it.each<[ParquetCompression, string]>([
    ['zstd', 'ZSTD'],
    ['snappy', 'SNAPPY'],
    ['lz4', 'LZ4_RAW'],
    ['none', 'UNCOMPRESSED'],
  ])('writes %s under a temporary name; DuckDB reads every value', async (compression, codec) => {
    const files = await ParquetFiles.open({ compression, spec: ORDERS_SPEC });
    const file = await files.write([orders()], path(), METADATA);
    expect(existsSync(path())).toBe(false);
    expect(readdirSync(dirname(path()))).toEqual(['.00000000000000000017-00000000000000000020.parquet.tmp']);
    renameSync(file.tempPath, file.path);
    const rows = await query(`SELECT * EXCLUDE (sluice_partition) FROM '${file.path}'`);
    expect(rows.map(({ amount, change_id, is_late, issues }) => [amount, change_id, is_late, issues])).toEqual([
      ['1.5000', 'change_id 0', false, '0'],
      ['-2.2500', 'change_id 1', true, '1'],
      [null, 'change_id 2', false, '2'],
    ]);
    const [{ codecs }] = await query(
      `SELECT string_agg(DISTINCT compression) AS codecs FROM parquet_metadata('${file.path}')`,
    );
    expect(codecs).toBe(codec);
  });

  it('stores amounts as INT64 DECIMAL(18,4) and times as microseconds in UTC, with the metadata given', async () => {
    const files = await ParquetFiles.open({ compression: 'zstd', spec: ORDERS_SPEC });
    const metadata = new Map([
      ['sluice.start_offset', '17'],
      ['sluice.topic', `it's "quoted"`],
    ]);
    const file = await files.write([orders()], path(), metadata);
    const types = await query(`SELECT name, type, logical_type FROM parquet_schema('${file.tempPath}')`);
    const type = (column: string) => types.find(({ name }) => name === column);
    expect(type('amount')).toMatchObject({
      type: 'INT64',
      logical_type: expect.stringMatching(/Decimal.*scale=4.*precision=18/),
    });
    expect(type('event_time')).toMatchObject({
      type: 'INT64',
      logical_type: expect.stringMatching(/Timestamp.*UTC=1.*MICROS/i),
    });
    const entries = await query(
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${file.tempPath}')`,
    );
    expect(new Map(entries.map(({ key, value }) => [key, value]))).toEqual(metadata);
  });

  it('writes record batches one after the other, every value to the bit, one file after the other', async () => {
    const random = new Random(4);
    const files = await ParquetFiles.open({ compression: 'zstd', spec: SPEC });
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    for (const sizes of [[1], [2048, 2049, 5, 7000], [4096]]) {
      const parts = sizes.map((rows, index) => randomColumns(rows, random, index % 2 === 0));
      const file = await files.write(parts.map(recordBatchOf), path(), METADATA);
      expect(await readBack(connection, `read_parquet('${file.tempPath}')`)).toEqual(parts.flatMap(transpose));
      expect(file.bytes).toBe(statSync(file.tempPath).size);
    }
  });

  it('says which file cannot be written, leaves nothing behind, and writes the next one', async () => {
    const files = await ParquetFiles.open({ compression: 'zstd', spec: ORDERS_SPEC });
    const folder = join(dataDir, 'parquet');
    writeFileSync(folder, 'a file where the folder should be');
    await expect(files.write([orders()], path(), METADATA)).rejects.toMatchObject({
      code: 'SLUICE_DATA_DIR',
      message: expect.stringContaining('.parquet.tmp'),
    });
    rmSync(folder);
    mkdirSync(temporaryPath(path()), { recursive: true });
    await expect(files.write([orders()], path(), METADATA)).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR' });
    rmSync(folder, { recursive: true });
    expect((await files.write([orders()], path(), METADATA)).bytes).toBeGreaterThan(0);
  });
});
