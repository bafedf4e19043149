/** Files that lack columns of the table spec get them: the rows stay, whatever ends the process meanwhile. */
import { cpSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tableColumns } from '../../../src/schema/spec.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { listFiles, temporaryPath } from '../../../src/storage/data-dir.js';
import { openSink, select, sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { GROWN_SPEC, grownDirectory } from '../../support/grown-directory.js';
import { recovered } from '../../support/recovering.js';
import { problems } from '../../support/verifying.js';

const parquetFiles = (dataDir: string) => listFiles(join(dataDir, 'parquet')).sort();

const openGrown = (dataDir: string) => openSink(dataDir, { spec: GROWN_SPEC });

/** Opens the directory and closes it again. @returns what was removed */
async function removedAtOpen(dataDir: string) {
  const sink = new DuckDbSink(sinkOptions(dataDir, { spec: GROWN_SPEC }));
  try {
    return (await sink.open()).removed;
  } finally {
    await sink.close();
  }
}

/** All rows of the files, and the columns of each file. */
async function contentOf(dataDir: string) {
  const sink = await openGrown(dataDir);
  try {
    const files = parquetFiles(dataDir).map((path) => `FROM read_parquet('${path}', hive_partitioning = false)`);
    const rows = `FROM read_parquet('${dataDir}/parquet/*/*/*.parquet', union_by_name = true)`;
    return {
      rows: await select(sink, `SELECT * EXCLUDE note, note ${rows} ORDER BY kafka_partition, kafka_offset`),
      columns: await Promise.all(
        files.map((file) => select(sink, `SELECT column_name, column_type FROM (DESCRIBE ${file})`)),
      ),
    };
  } finally {
    await sink.close();
  }
}

async function rewrite(dataDir: string) {
  const sink = await openGrown(dataDir);
  const receipt = await sink.compact({ rewrite: true });
  await sink.close();
  return receipt;
}

describe('rewriting', () => {
  it('gives files the columns of the spec, in its order and of its types, and says so in the ledger', async () => {
    const dataDir = temporaryDirectory();
    await grownDirectory(dataDir);
    const before = await contentOf(dataDir);
    expect(await rewrite(dataDir)).toMatchObject({ filesBefore: 0, filesRewritten: 2, left: [] });
    const { rows, columns } = await contentOf(dataDir);
    expect(rows).toEqual(before.rows);
    for (const found of columns) expect(found).toEqual(before.columns[1]);
    expect(columns[0].map(([name]) => name)).toEqual(tableColumns(GROWN_SPEC).map(({ name }) => name));
    expect(await problems(dataDir)).toEqual([]);
    expect(await rewrite(dataDir)).toMatchObject({ filesRewritten: 0 });
  });

  it('leaves what it cannot read, and rewrites the others', async () => {
    const dataDir = temporaryDirectory();
    await grownDirectory(dataDir);
    const sink = await openGrown(dataDir);
    const [first] = parquetFiles(dataDir);
    renameSync(first, `${first}.gone`);
    const { filesRewritten, left } = await sink.compact({ rewrite: true });
    renameSync(`${first}.gone`, first);
    await sink.close();
    expect([filesRewritten, left]).toEqual([1, [expect.stringMatching(/0{20}-0{19}2\.parquet stays as it is: /)]]);
    expect(await problems(dataDir)).toEqual([]);
  });
});

describe('rewriting that was killed', () => {
  interface Killed {
    readonly dataDir: string;
    /** The first file, and what it was and would be. */
    readonly path: string;
    readonly before: Buffer;
    readonly after: Buffer;
  }

  /** The directory as it was, or with all that is in the database done. */
  async function killed(database: 'before' | 'after'): Promise<Killed> {
    const [dataDir, done] = [temporaryDirectory(), temporaryDirectory()];
    await grownDirectory(dataDir);
    cpSync(dataDir, done, { recursive: true });
    await rewrite(done);
    const [path, newer] = [parquetFiles(dataDir)[0], parquetFiles(done)[0]];
    const content = { before: readFileSync(path), after: readFileSync(newer) };
    expect(content.before.length).not.toBe(content.after.length);
    return database === 'before' ? { dataDir, path, ...content } : { dataDir: done, path: newer, ...content };
  }

  it.each<[string, 'before' | 'after', (state: Killed) => void, 'removes' | 'renames' | 'nothing']>([
    [
      'while it wrote the new file',
      'before',
      ({ path, after }) => writeFileSync(temporaryPath(path), after.subarray(0, 1000)),
      'removes',
    ],
    ['before the transaction', 'before', ({ path, after }) => writeFileSync(temporaryPath(path), after), 'removes'],
    [
      'after the transaction',
      'after',
      ({ path, before }) => {
        renameSync(path, temporaryPath(path));
        writeFileSync(path, before);
      },
      'renames',
    ],
    [
      'after the transaction, without the old file',
      'after',
      ({ path }) => renameSync(path, temporaryPath(path)),
      'renames',
    ],
    ['after the rename', 'after', () => {}, 'nothing'],
  ])('%s', async (_, database, leave, does) => {
    const state = await killed(database);
    const { dataDir, path, before, after } = state;
    leave(state);
    const temporary = relative(dataDir, temporaryPath(path));
    if (existsSync(path)) expect(await problems(dataDir)).toEqual([]);
    const { ok, text } = await recovered(dataDir, undefined);
    const told = {
      removes: `the next start removes ${temporary}`,
      renames: 'the next start puts the new',
      nothing: '',
    };
    expect([ok, text]).toEqual([true, expect.stringContaining(told[does])]);
    const removed = does === 'removes' ? [{ file: temporary, why: 'a write that was not finished' }] : [];
    expect(await removedAtOpen(dataDir)).toEqual(removed);
    expect(readFileSync(path).equals(database === 'before' ? before : after)).toBe(true);
    expect(parquetFiles(dataDir)).toHaveLength(4);
    expect(await problems(dataDir)).toEqual([]);
    expect(await rewrite(dataDir)).toMatchObject({ left: [] });
    const { rows, columns } = await contentOf(dataDir);
    expect(rows.map((row) => row.at(-1))).toEqual([null, null, 'n2', null, 'n1']);
    expect(new Set(columns.map((found) => JSON.stringify(found))).size).toBe(1);
  });

  it('does not take a temporary file of another size for a damaged one', async () => {
    const { dataDir, path, before, after } = await killed('after');
    writeFileSync(path, before);
    writeFileSync(temporaryPath(path), after.subarray(1));
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(readFileSync(path).equals(before)).toBe(true);
    rmSync(temporaryPath(path));
    writeFileSync(path, after);
    expect(await removedAtOpen(dataDir)).toEqual([]);
  });
});
