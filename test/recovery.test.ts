import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FileStaging } from '../src/file-staging.js';
import type { ParquetFile } from '../src/flow.js';
import { Merge } from '../src/merge.js';
import { publish } from '../src/recovery.js';
import { makeBatch, mergeOptions, openMerge, order, select, temporaryDirectory, token } from './support/batches.js';

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
    const merge = await openMerge(dataDir);
    await select(merge, 'DROP VIEW orders');
    await select(merge, 'ALTER TABLE cdc_orders DROP COLUMN amount');
    await merge.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
    await expect(merge.commit()).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(filesIn(dataDir)).toEqual([]);
    const left = `SELECT (SELECT count(*) FROM cdc_orders), (SELECT count(*) FROM sluice.batches),
      (SELECT count(*) FROM sluice.quarantine), (SELECT sum(next_offset) FROM sluice.positions)`;
    expect(await select(merge, left)).toEqual([[0n, 0n, 0n, 0n]]);
    await merge.close();
    const second = await openMerge(dataDir);
    await second.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
    expect(await second.commit()).toMatchObject({ rowsMerged: 1, rowsQuarantined: 1 });
  });

  it('keeps the files of a transaction that took effect, whatever fails afterwards', async () => {
    const dataDir = temporaryDirectory();
    const merge = await openMerge(dataDir);
    await merge.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
    vi.spyOn(FileStaging.prototype, 'clear').mockRejectedValueOnce(new Error('out of memory'));
    await expect(merge.commit()).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    expect(filesIn(dataDir)).toEqual(['00000000000000000000-00000000000000000001.parquet']);
    await merge.close();
    const second = new Merge(mergeOptions(dataDir));
    expect((await second.open()).positions).toMatchObject([{ partition: 0, nextOffset: 1 }, { partition: 1 }]);
    await second.close();
  });

  it('gives no file its final name when one of them is gone', async () => {
    const dataDir = temporaryDirectory();
    const files: ParquetFile[] = [];
    for (const start of [0, 1]) files.push((await makeBatch(dataDir, 0, start, [order(token(start))])).file!);
    rmSync(files[1].tempPath);
    expect(() => publish(files)).toThrow(expect.objectContaining({ code: 'SLUICE_DATA_DIR' }));
    expect(filesIn(dataDir)).toEqual([]);
  });
});

describe('opening a data directory', () => {
  it('refuses Parquet files whose database is gone, instead of taking them for leftovers', async () => {
    const dataDir = temporaryDirectory();
    const merge = await openMerge(dataDir);
    await merge.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
    await merge.commit();
    await merge.close();
    const database = join(dataDir, 'analytics.db');
    renameSync(database, `${database}.elsewhere`);
    for (let attempt = 0; attempt < 2; attempt++) {
      await expect(new Merge(mergeOptions(dataDir)).open()).rejects.toMatchObject({
        code: 'SLUICE_SINK',
        message: expect.stringMatching(
          /1 Parquet files, such as parquet\/.*, but not the database.*: put analytics\.db/,
        ),
      });
    }
    expect(existsSync(database)).toBe(false);
    expect(filesIn(dataDir)).toHaveLength(1);
    renameSync(`${database}.elsewhere`, database);
    await (await openMerge(dataDir)).close();
  });

  it('removes what a crash left of the very first group', async () => {
    const dataDir = temporaryDirectory();
    await (await openMerge(dataDir)).close();
    const { tempPath, path } = (await makeBatch(dataDir, 0, 0, [order(token(1))])).file!;
    renameSync(tempPath, path);
    await makeBatch(dataDir, 1, 0, [order(token(2))]);
    await (await openMerge(dataDir)).close();
    expect(filesIn(dataDir)).toEqual([]);
    expect(existsSync(dirname(path))).toBe(true);
  });

  it('waits for a running commit before it closes', async () => {
    const dataDir = temporaryDirectory();
    const merge = await openMerge(dataDir);
    await merge.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), order(token(2))]));
    const commit = merge.commit();
    await merge.close();
    expect(await commit).toMatchObject({ rowsMerged: 2 });
    const second = new Merge(mergeOptions(dataDir));
    expect((await second.open()).positions).toMatchObject([{ nextOffset: 2 }, { nextOffset: 0 }]);
    await second.close();
  });
});
