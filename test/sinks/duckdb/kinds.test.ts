/** Columns of all kinds in both sinks: from Parquet and from Arrow, joined, recovered and verified. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { specJson, type TableSpec } from '../../../src/schema/spec.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, select, sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { content, database, recovered, verified } from '../../support/recovering.js';

const specOf = (precision: number) =>
  parseSpec(
    JSON.stringify({
      table: 'cdc_orders',
      view: 'orders',
      columns: [
        { name: 'order_id', kind: 'text', required: true, role: 'key' },
        { name: 'ratio', kind: 'double' },
        { name: 'total', kind: 'decimal', precision, scale: 2 },
        { name: 'token', kind: 'uuid' },
        { name: 'photo', kind: 'binary' },
      ],
    }),
    'of the test',
  );
const SPEC = specOf(38);

const GROUPS = [
  [
    '{"order_id":"a","ratio":0.1,"total":123456789012345678901234567890123456.78,"photo":"3q2+7w=="}',
    '{"order_id":"b","ratio":-5e-324,"total":"-0.01","token":"00000000-0000-0000-0000-000000000000","photo":""}',
  ],
  [
    '{"order_id":"c","token":"FFFFFFFF-ffff-ffff-ffff-fffffffffffe","photo":"AAECAwQFBgcICQoLDA0ODxAREhM="}',
    '{"order_id":"d","ratio":"NaN","total":0.001,"token":"no","photo":"%"}',
  ],
];
const COLUMNS = 'order_id, ratio, total::VARCHAR AS total, token::VARCHAR AS token, hex(photo) AS photo, issues';
const ROWS = `SELECT ${COLUMNS}, extra FROM cdc_orders ORDER BY order_id`;
const WANTED = [
  ['a', 0.1, '123456789012345678901234567890123456.78', null, 'DEADBEEF', 0n, null],
  ['b', -5e-324, '-0.01', '00000000-0000-0000-0000-000000000000', '', 0n, null],
  ['c', null, null, 'ffffffff-ffff-ffff-ffff-fffffffffffe', '000102030405060708090A0B0C0D0E0F10111213', 0n, null],
  ['d', null, null, null, null, 30n, '{"ratio":"NaN","total":0.001,"token":"no","photo":"%"}'],
];
const TYPES = `SELECT column_type FROM (DESCRIBE cdc_orders) WHERE column_name IN ('ratio', 'total', 'token', 'photo')`;
const WANTED_TYPES = [['DOUBLE'], ['DECIMAL(38,2)'], ['UUID'], ['BLOB']];

function specFile(dataDir: string, spec: TableSpec): string {
  const path = join(dataDir, 'spec.json');
  writeFileSync(path, specJson(spec));
  return path;
}

describe.each(['parquet', 'arrow'] as const)('columns of all kinds, MERGE_FROM=%s', (mergeFrom) => {
  it('have all values, and are joined, recovered and verified', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { spec: SPEC, mergeFrom });
    for (const [index, values] of GROUPS.entries()) {
      await sink.stage(await makeBatch(dataDir, 0, index * 2, values, { spec: SPEC }));
      await sink.commit();
    }
    expect(await select(sink, TYPES)).toEqual(WANTED_TYPES);
    expect(await select(sink, ROWS)).toEqual(WANTED);
    expect(await sink.compact({ everything: true })).toMatchObject({ filesBefore: 2, filesAfter: 1 });
    const before = await content(sink);
    await sink.close();
    expect(await verified(dataDir)).toMatchObject({ problems: [] });
    rmSync(database(dataDir));
    const TABLE_SPEC = specFile(dataDir, SPEC);
    expect(await recovered(dataDir, 'fromParquet', { TABLE_SPEC })).toMatchObject({ ok: true });
    const again = new DuckDbSink(sinkOptions(dataDir, { spec: SPEC, mergeFrom }));
    await again.open();
    expect((await content(again)).rows).toEqual(before.rows);
    expect(await select(again, ROWS)).toEqual(WANTED);
    await again.close();
  });
});

it('a decimal keeps its digits for the life of a directory', async () => {
  const dataDir = temporaryDirectory();
  await (await openSink(dataDir, { spec: SPEC })).close();
  const changed = new DuckDbSink(sinkOptions(dataDir, { spec: specOf(20) }));
  await expect(changed.open()).rejects.toMatchObject({
    code: 'SLUICE_SPEC_CHANGED',
    message: expect.stringMatching(/total .*DECIMAL\(38,2\).*DECIMAL\(20,2\)/),
  });
});

it.skipIf(whyNoExtensions() !== undefined)('a lake has them as well', async () => {
  const options = { ...lakeOptions(temporaryDirectory()), spec: SPEC };
  const sink = await openLakeSink(options);
  const [{ epoch }] = await sink.claim([0]);
  for (const [index, values] of GROUPS.entries()) {
    await sink.stage(await makeLakeBatch(options, 0, index * 2, values, { epoch }));
    await sink.commit();
  }
  expect(await select(sink, ROWS)).toEqual(WANTED);
  expect(await select(sink, TYPES)).toEqual(WANTED_TYPES);
  expect(await select(sink, 'SELECT order_id FROM cdc_orders WHERE ratio > 0 OR total < 0')).toEqual([['a'], ['b']]);
});
