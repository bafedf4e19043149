import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { type Data, makeData, RecordBatch, Struct, vectorFromArray } from 'apache-arrow';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { DuckDbWriter } from '../../src/parquet/duckdb-writer.js';
import { ParquetWasmWriter, type ParquetWasmWriterOptions } from '../../src/parquet/parquet-wasm-writer.js';
import type { ParquetCompression, ParquetWriter } from '../../src/parquet/parquet-writer.js';
import { MAX_ROW_GROUP_ROWS } from '../../src/parquet/row-groups.js';
import { arrowSchema } from '../../src/schema/arrow.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { parquetPath, temporaryPath } from '../../src/storage/data-dir.js';
import { stageFile } from '../../src/storage/staged-file.js';
import { Random } from '../support/random.js';
import { COLUMNS, randomColumns, readBack, recordBatchOf, SPEC, transpose } from '../support/random-rows.js';

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

/** Of every writer, with the options that they share. */
const WRITERS: Record<string, (options: ParquetWasmWriterOptions) => Promise<ParquetWriter>> = {
  duckdb: (options) => DuckDbWriter.open(options),
  'parquet-wasm': async (options) => new ParquetWasmWriter(options),
};

const path = () => parquetPath(dataDir, 'cdc_orders', 3, 17, 20);

it('names files by partition and padded offsets', () => {
  expect(parquetPath('/d', 't', 12, 5, 1000)).toBe(
    '/d/parquet/t/sluice_partition=12/00000000000000000005-00000000000000001000.parquet',
  );
  expect(temporaryPath('/d/p/1-2.parquet')).toBe('/d/p/.1-2.parquet.tmp');
});

describe.each(Object.keys(WRITERS))('Parquet by %s', (name) => {
  async function open(spec = ORDERS_SPEC, compression: ParquetCompression = 'zstd') {
    const writer = await WRITERS[name]({ compression, spec });
    onTestFinished(() => writer.close());
    return (recordBatches: RecordBatch[], metadata = METADATA) =>
      stageFile(path(), (tempPath) => writer.write(recordBatches, tempPath, metadata));
  }

  it.each<[ParquetCompression, string]>([
    ['zstd', 'ZSTD'],
    ['snappy', 'SNAPPY'],
    ['lz4', 'LZ4_RAW'],
    ['none', 'UNCOMPRESSED'],
  ])('writes %s under a temporary name; DuckDB reads every value', async (compression, codec) => {
    const write = await open(ORDERS_SPEC, compression);
    const file = await write([orders()]);
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
    const write = await open();
    const metadata = new Map([
      ['sluice.start_offset', '17'],
      ['sluice.topic', `it's "quoted"`],
    ]);
    const file = await write([orders()], metadata);
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
      `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata('${file.tempPath}')
       WHERE decode(key) <> 'ARROW:schema'`,
    );
    expect(new Map(entries.map(({ key, value }) => [key, value]))).toEqual(metadata);
  });

  it('writes record batches one after the other, every value to the bit, one file after the other', async () => {
    const random = new Random(4);
    const write = await open(SPEC);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    for (const sizes of [[1], [2048, 2049, 5, 7000], [4096]]) {
      const parts = sizes.map((rows, index) => randomColumns(rows, random, index % 2 === 0));
      const file = await write(parts.map(recordBatchOf));
      expect(await readBack(connection, `read_parquet('${file.tempPath}')`)).toEqual(parts.flatMap(transpose));
      expect(file.bytes).toBe(statSync(file.tempPath).size);
    }
  });

  it('bounds row groups, has statistics for all of them, and dictionaries for columns of few values only', async () => {
    const write = await open(SPEC);
    const rows = MAX_ROW_GROUP_ROWS / 15;
    const columns = randomColumns(rows, new Random(5), false);
    const group = COLUMNS.findIndex(({ name }) => name === 'group');
    columns[group] = columns[group].map((_, row) => `group ${row % 7}`);
    const groups = Array.from({ length: 16 }, () => recordBatchOf(columns));
    const { tempPath } = await write(groups);
    const chunks = await query(
      `SELECT path_in_schema AS column, row_group_num_rows AS rows, stats_min_value IS NOT NULL AS has_statistics,
         stats_null_count AS nulls, encodings FROM parquet_metadata('${tempPath}')`,
    );
    expect(new Set(chunks.map((chunk) => chunk.rows))).toEqual(new Set([`${MAX_ROW_GROUP_ROWS}`, `${rows}`]));
    expect(chunks.filter(({ has_statistics, nulls }) => has_statistics !== true || nulls !== '0')).toEqual([]);
    const encodings = (name: string) => chunks.find(({ column }) => column === name)!.encodings;
    expect(encodings('group')).toContain('DICTIONARY');
    expect(encodings('group')).not.toContain('DELTA');
    expect(encodings('order')).toContain('DELTA_LENGTH_BYTE_ARRAY');
    expect(encodings('change_seq')).toContain('DELTA_BINARY_PACKED');
  });

  it('bounds row groups by the bytes of their text, too', async () => {
    const write = await open(SPEC);
    const rows = 70;
    const columns = randomColumns(rows, new Random(6), true);
    const text = COLUMNS.findIndex(({ name }) => name === 'group');
    columns[text] = columns[text].map((_, row) => (row % 7 === 0 ? null : 'é'.repeat(600_000)));
    const { tempPath } = await write([recordBatchOf(columns)]);
    const groups = await query(
      `SELECT row_group_num_rows AS rows FROM parquet_metadata('${tempPath}') WHERE path_in_schema = 'group'`,
    );
    expect(groups.map((group) => Number(group.rows))).toEqual([30, 30, 10]);
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    expect(await readBack(connection, `read_parquet('${tempPath}')`)).toEqual(transpose(columns));
  });

  it('says which file cannot be written, leaves nothing behind, and writes the next one', async () => {
    const write = await open();
    const folder = join(dataDir, 'parquet');
    writeFileSync(folder, 'a file where the folder should be');
    await expect(write([orders()])).rejects.toMatchObject({
      code: 'SLUICE_DATA_DIR',
      message: expect.stringContaining('.parquet.tmp'),
    });
    rmSync(folder);
    mkdirSync(temporaryPath(path()), { recursive: true });
    await expect(write([orders()])).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR' });
    rmSync(folder, { recursive: true });
    expect((await write([orders()])).bytes).toBeGreaterThan(0);
  });

  it('fails with SLUICE_DATA_DIR on a full disk, and leaves nothing behind', async ({ skip }) => {
    if (!existsSync('/dev/full')) skip('there is no device that is always full');
    const write = await open();
    mkdirSync(dirname(path()), { recursive: true });
    symlinkSync('/dev/full', temporaryPath(path()));
    await expect(write([orders()])).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR' });
    expect(readdirSync(dirname(path()))).toEqual([]);
  });

  it('fails with SLUICE_SINK if rows do not fit the table, and leaves nothing behind', async () => {
    const write = await open(SPEC);
    await expect(write([orders()])).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(readdirSync(dirname(path()))).toEqual([]);
  });
});

it('has the same schema and rows from either writer, except for which columns are marked as required', async () => {
  const parts = [3000, 5000].map((rows) => recordBatchOf(randomColumns(rows, new Random(rows), true)));
  const schemas: unknown[] = [];
  for (const [name, open] of Object.entries(WRITERS)) {
    const writer = await open({ compression: 'zstd', spec: SPEC });
    await writer.write(parts, join(dataDir, name), METADATA);
    await writer.close();
    schemas.push(
      await query(
        `SELECT name, type, precision, scale, duckdb_type FROM parquet_schema('${join(dataDir, name)}')
         WHERE type IS NOT NULL AND name <> 'uuid'`,
      ),
    );
  }
  // parquet-wasm writes its 16 bytes as such.
  expect(schemas[0]).toHaveLength(COLUMNS.length - 1);
  expect(schemas[1]).toEqual(schemas[0]);
  const [duckdb, wasm] = Object.keys(WRITERS).map(
    (name) => `(SELECT * REPLACE (uuid::UUID AS uuid) FROM read_parquet('${join(dataDir, name)}'))`,
  );
  expect(
    await query(`(FROM ${duckdb} EXCEPT ALL FROM ${wasm}) UNION ALL (FROM ${wasm} EXCEPT ALL FROM ${duckdb})`),
  ).toEqual([]);
});
