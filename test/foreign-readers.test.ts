/** What other programs read from the Parquet files, by file, folder and glob: each column has its own values. */
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeAll, describe, expect, it } from 'vitest';
import { identifier, rowsOf } from '../src/core/sql.js';
import { tableColumns } from '../src/schema/spec.js';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';
import { listFiles } from '../src/storage/data-dir.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory } from './support/batches.js';
import { GROWN_SPEC, grownDirectory } from './support/grown-directory.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoPython } from './support/python.js';
import { type TextRow, trickyDirectory } from './support/tricky-names.js';

describe('DuckDB', () => {
  it('reads every column by file and by glob, with and without the keys of folders', async () => {
    const { folder, file, rows, spec } = await trickyDirectory();
    const instance = await DuckDBInstance.create(':memory:');
    const connection = await instance.connect();
    await connection.run("SET TimeZone = 'UTC'");
    const columns = tableColumns(spec).map(({ name, type }) => {
      const text =
        type === 'timestamp_us_utc' ? `strftime(${identifier(name)}, '%Y-%m-%d %H:%M:%S.%f')` : identifier(name);
      return `${text}::VARCHAR AS ${identifier(name)}`;
    });
    const read = (relation: string) =>
      rowsOf(connection, `SELECT ${columns.join(', ')} FROM ${relation} ORDER BY change_id`);
    const glob = `'${folder}/**/*.parquet'`;
    expect(await read(`'${file}'`)).toEqual([rows[0]]);
    for (const options of [
      '',
      ', hive_partitioning = true',
      ', hive_partitioning = false',
      ', union_by_name = true',
      ', filename = true',
      ', file_row_number = true',
    ]) {
      expect(await read(`read_parquet(${glob}${options})`)).toEqual(rows);
    }
    const key = `SELECT sluice_partition::INTEGER AS p, kafka_partition AS q FROM read_parquet(${glob}) ORDER BY ALL`;
    expect(await rowsOf(connection, key)).toEqual([0, 1].map((p) => ({ p, q: p })));
    connection.closeSync();
    instance.closeSync();
  });
});

describe.skipIf(whyNoPython() !== undefined)('pyarrow, pandas and polars', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements.txt');
  }, INSTALL_TIMEOUT_MS);

  it('read every column by file, folder and glob', { timeout: 120_000 }, async () => {
    const { folder, file, rows } = await trickyDirectory();
    const read = (await runPython(python, 'read.py', [folder, file])) as Record<string, TextRow[]>;
    const withKey = rows.map((row) => ({ ...row, sluice_partition: row.kafka_partition }));
    expect(read).toEqual({
      'pyarrow file': [rows[0]],
      'pyarrow folder': withKey,
      'pyarrow hive dataset': withKey,
      'pandas file': [rows[0]],
      'pandas folder': withKey,
      'polars file': [rows[0]],
      'polars folder': withKey,
      'polars glob': rows,
      'polars hive glob': withKey,
    });
  });

  it('read the columns that a spec got later, in the ways that the documentation shows', {
    timeout: 120_000,
  }, async () => {
    const dataDir = temporaryDirectory();
    for (const [start, spec] of [ORDERS_SPEC, GROWN_SPEC, ORDERS_SPEC].entries()) {
      await makeBatch(dataDir, start % 2, start, [order(`c${start}`, { note: `n${start}` })], { spec });
    }
    const folder = join(dataDir, 'parquet', TOPIC);
    for (const path of listFiles(folder)) renameSync(path, path.replace(/\/\.([^/]*)\.tmp$/, '/$1'));
    const read = (await runPython(python, 'read_grown.py', [folder])) as Record<string, TextRow[]>;
    expect(Object.keys(read)).toEqual(['pyarrow', 'pandas', 'polars']);
    for (const rows of Object.values(read)) {
      expect(rows.map(({ change_id, note }) => [change_id, note])).toEqual([
        ['c0', null],
        ['c1', 'n1'],
        ['c2', null],
      ]);
      expect(Object.keys(rows[0])).toEqual(expect.arrayContaining(tableColumns(GROWN_SPEC).map(({ name }) => name)));
    }
  });

  it('read them in every way once the files are rewritten', { timeout: 120_000 }, async () => {
    const dataDir = temporaryDirectory();
    await grownDirectory(dataDir);
    const sink = await openSink(dataDir, { spec: GROWN_SPEC });
    expect(await sink.compact({ rewrite: true })).toMatchObject({ filesRewritten: 2, filesAfter: 0 });
    await sink.close();
    const folder = join(dataDir, 'parquet', TOPIC);
    const read = (await runPython(python, 'read.py', [folder, listFiles(folder).sort()[0]])) as Record<
      string,
      TextRow[]
    >;
    for (const [way, rows] of Object.entries(read)) {
      const notes = rows.map(({ change_id, note }) => `${change_id} ${note}`).sort();
      const ofFile = ['0-0 null', '0-1 null'];
      expect([way, notes]).toEqual([way, way.endsWith(' file') ? ofFile : [...ofFile, '0-2 n2', '1-0 null', '1-1 n1']]);
      expect(Object.keys(rows[0])).toEqual(expect.arrayContaining(tableColumns(GROWN_SPEC).map(({ name }) => name)));
    }
    expect(Object.keys(read)).toHaveLength(9);
  });
});
