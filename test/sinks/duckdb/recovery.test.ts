import { copyFileSync, existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ParquetFile } from '../../../src/core/flow.js';
import { readJournal, writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { FileStaging } from '../../../src/sinks/duckdb/file-staging.js';
import { publish } from '../../../src/sinks/duckdb/recovery.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { parquetPath } from '../../../src/storage/data-dir.js';
import {
  makeBatch,
  openSink,
  order,
  select,
  sinkOptions,
  TOPIC,
  temporaryDirectory,
  token,
} from '../../support/batches.js';

const filesIn = (dataDir: string) =>
  readdirSync(join(dataDir, 'parquet'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a failed commit', () => {
  it('leaves nothing when the transaction cannot be written, and the batch can be committed later', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await select(sink, 'DROP VIEW orders');
    await select(sink, 'ALTER TABLE cdc_orders DROP COLUMN amount');
    await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
    await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(filesIn(dataDir)).toEqual([]);
    const left = `SELECT (SELECT count(*) FROM cdc_orders), (SELECT count(*) FROM sluice.batches),
      (SELECT count(*) FROM sluice.quarantine), (SELECT sum(next_offset) FROM sluice.positions)`;
    expect(await select(sink, left)).toEqual([[0n, 0n, 0n, 0n]]);
    await sink.close();
    const second = await openSink(dataDir);
    await second.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
    expect(await second.commit()).toMatchObject({ stats: { merged: 1, quarantined: 1 } });
  });

  it('keeps the files of a transaction that took effect, whatever fails afterwards', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
    vi.spyOn(FileStaging.prototype, 'clear').mockRejectedValueOnce(new Error('out of memory'));
    await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(filesIn(dataDir)).toEqual(['00000000000000000000-00000000000000000001.parquet']);
    await sink.close();
    const second = new DuckDbSink(sinkOptions(dataDir));
    await second.open();
    expect(await second.claim([0, 1])).toMatchObject([{ partition: 0, nextOffset: 1 }, { partition: 1 }]);
    await second.close();
  });

  it('gives no file its final name if one of them is gone', async () => {
    const dataDir = temporaryDirectory();
    const files: ParquetFile[] = [];
    for (const start of [0, 1]) files.push((await makeBatch(dataDir, 0, start, [order(token(start))])).file!);
    rmSync(files[1].tempPath);
    expect(() => publish(files)).toThrow(expect.objectContaining({ code: 'SLUICE_DATA_DIR' }));
    expect(filesIn(dataDir)).toEqual([basename(files[0].tempPath)]);
  });
});

/** Commits one batch of partition 0 by itself. @returns the name of its file */
async function commit(dataDir: string, sink: DuckDbSink, start: number, values: (string | null)[]): Promise<string> {
  await sink.stage(await makeBatch(dataDir, 0, start, values));
  await sink.commit();
  return nameOf(start, start + values.length);
}

/** Names of the topic's files, relative to the data directory. */
const nameOf = (start: number, next: number, partition = 0) =>
  relative('x', parquetPath('x', TOPIC, partition, start, next));

/** Opens the directory and closes it again. @returns what was removed */
async function removedAtOpen(dataDir: string) {
  const sink = new DuckDbSink(sinkOptions(dataDir));
  try {
    return (await sink.open()).removed;
  } finally {
    await sink.close();
  }
}

/** A file that has its final name, and no commit. */
async function publishOnly(dataDir: string, partition: number, start: number): Promise<string> {
  const file = (await makeBatch(dataDir, partition, start, [order(token(start + 1))])).file!;
  publish([file]);
  return relative(dataDir, file.path);
}

describe('opening a data directory', () => {
  it('refuses Parquet files whose database is gone, instead of taking them for leftovers', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commit(dataDir, sink, 0, [order(token(1))]);
    await sink.close();
    const database = join(dataDir, 'analytics.db');
    renameSync(database, `${database}.elsewhere`);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(new DuckDbSink(sinkOptions(dataDir)).open()).rejects.toMatchObject({
        code: 'SLUICE_UNEXPLAINED_FILES',
        message: expect.stringMatching(
          /1 Parquet files, such as parquet\/.*, but not the database.*: put analytics\.db.*recover --from-parquet/,
        ),
      });
    }
    expect(existsSync(database)).toBe(false);
    expect(filesIn(dataDir)).toHaveLength(1);
    renameSync(`${database}.elsewhere`, database);
    await (await openSink(dataDir)).close();
  });

  it.each([0, 1])(
    'removes what a crash left of a commit, says so, and continues (after %i commits)',
    async (before) => {
      const dataDir = temporaryDirectory();
      const sink = await openSink(dataDir);
      for (let start = 0; start < before; start++) await commit(dataDir, sink, start, [order(token(start + 1))]);
      await sink.close();
      const published = await publishOnly(dataDir, 0, before);
      const { tempPath, path } = (await makeBatch(dataDir, 1, 0, [order(token(9))])).file!;
      writeJournal(dataDir, { commit: before + 1, files: [published, relative(dataDir, path)] });
      expect(await removedAtOpen(dataDir)).toEqual([
        { file: published, why: `commit ${before + 1} was not finished` },
        { file: relative(dataDir, tempPath), why: 'a write that was not finished' },
      ]);
      expect(filesIn(dataDir)).toHaveLength(before);
      expect(existsSync(dirname(path))).toBe(true);
      expect(await removedAtOpen(dataDir)).toEqual([]);
    },
  );

  it('removes what a join left: the joined file before the swap, its parts after it', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const parts = [];
    for (let start = 0; start < 4; start++) parts.push(await commit(dataDir, sink, start, [order(token(start + 1))]));
    await sink.stage(await makeBatch(dataDir, 0, 4, [null]));
    await sink.commit();
    parts.push(await commit(dataDir, sink, 5, [order(token(6))]));
    await sink.close();
    const joined = nameOf(0, 6);
    copyFileSync(join(dataDir, parts[0]), join(dataDir, joined));
    expect(await removedAtOpen(dataDir)).toEqual([{ file: joined, why: expect.stringContaining('(a join)') }]);

    const second = await openSink(dataDir);
    const kept = parts.map((part) => readFileSync(join(dataDir, part)));
    await second.compact({ everything: true });
    await second.close();
    for (const [index, part] of parts.entries()) writeFileSync(join(dataDir, part), kept[index]);
    expect((await removedAtOpen(dataDir)).map(({ file }) => file)).toEqual(parts);
    expect(filesIn(dataDir)).toEqual([basename(joined)]);
  });

  it.each([
    ['no journal', undefined],
    ['the journal of a commit that the database has', 1],
    ['the journal of a commit after others that the database lost', 3],
  ])('refuses files beyond the positions with %s, and removes nothing', async (_, journal) => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commit(dataDir, sink, 0, [order(token(1))]);
    await sink.close();
    const stray = await publishOnly(dataDir, 0, 1);
    await makeBatch(dataDir, 1, 0, [order(token(9))]);
    if (journal !== undefined) writeJournal(dataDir, { commit: journal, files: [stray] });
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({
      code: 'SLUICE_UNEXPLAINED_FILES',
      message: expect.stringMatching(
        /does not explain: \S+0+1-0+2\.parquet\. .*put the newer.*--from-parquet.*--remove-uncounted/i,
      ),
    });
    expect(filesIn(dataDir)).toHaveLength(3);
  });

  it('refuses files when an older database was put back, and counts them all', async () => {
    const dataDir = temporaryDirectory();
    const database = join(dataDir, 'analytics.db');
    const sink = await openSink(dataDir);
    await commit(dataDir, sink, 0, [order(token(1))]);
    await sink.close();
    copyFileSync(database, `${database}.older`);
    const second = await openSink(dataDir);
    for (let start = 1; start < 6; start++) await commit(dataDir, second, start, [order(token(start + 1))]);
    await second.close();
    renameSync(`${database}.older`, database);
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({
      code: 'SLUICE_UNEXPLAINED_FILES',
      message: expect.stringContaining('… (5 in all)'),
    });
    expect(filesIn(dataDir)).toHaveLength(6);
  });

  it('does not write to a database that it refuses: its log can be put back', async () => {
    const dataDir = temporaryDirectory();
    const database = join(dataDir, 'analytics.db');
    const sink = await openSink(dataDir);
    await commit(dataDir, sink, 0, [order(token(1))]);
    // As kill -9 leaves them: closing would take the log into the database.
    for (const name of [database, `${database}.wal`]) copyFileSync(name, `${name}.killed`);
    await sink.close();
    renameSync(`${database}.killed`, database);
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
    renameSync(`${database}.wal.killed`, `${database}.wal`);
    const second = await openSink(dataDir);
    expect(await select(second, 'SELECT count(*) FROM cdc_orders')).toEqual([[1n]]);
    await second.close();
  });

  it('refuses a joined file if the ledger names parts of it that are gone, and names both', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const parts = [];
    for (let start = 0; start < 5; start++) parts.push(await commit(dataDir, sink, start, [order(token(start + 1))]));
    await sink.close();
    renameSync(join(dataDir, parts[0]), join(dataDir, nameOf(0, 5)));
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({
      code: 'SLUICE_UNEXPLAINED_FILES',
      message: expect.stringMatching(/does not explain: \S+-0+5\.parquet.*not whole: \S+-0+1\.parquet is missing/),
    });
    expect(filesIn(dataDir)).toHaveLength(5);
  });

  it('leaves files alone that are neither Parquet nor its own', async () => {
    const dataDir = temporaryDirectory();
    await (await openSink(dataDir)).close();
    writeFileSync(join(dataDir, 'parquet', TOPIC, 'notes.txt'), 'x');
    expect(await removedAtOpen(dataDir)).toEqual([]);
    expect(filesIn(dataDir)).toEqual(['notes.txt']);
    writeFileSync(join(dataDir, 'parquet', TOPIC, 'other.parquet'), 'x');
    await expect(removedAtOpen(dataDir)).rejects.toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
  });

  it('writes the journal before a file gets its final name, and removes it after the commit', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const batch = await makeBatch(dataDir, 0, 0, [order(token(1))]);
    const lost = { ...batch, file: { ...batch.file!, path: join(dataDir, 'no folder', basename(batch.file!.path)) } };
    await sink.stage(lost);
    await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR' });
    expect(readJournal(dataDir)).toEqual({ commit: 1, files: [relative(dataDir, lost.file.path)] });
    await sink.close();
    const second = await openSink(dataDir);
    await commit(dataDir, second, 0, [order(token(1))]);
    expect(readJournal(dataDir)).toBeUndefined();
  });

  it('waits for a running commit before it closes', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), order(token(2))]));
    const commit = sink.commit();
    await setImmediate();
    await sink.close();
    expect(await commit).toMatchObject({ stats: { merged: 2 } });
    const second = new DuckDbSink(sinkOptions(dataDir));
    await second.open();
    expect(await second.claim([0, 1])).toMatchObject([{ nextOffset: 2 }, { nextOffset: 0 }]);
    await second.close();
  });
});
