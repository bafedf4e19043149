/** What a merge of a lake's state that fails leaves behind, and what becomes of a state that cannot be read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BesideCommits } from '../../../src/sinks/ducklake/beside-commits.js';
import { scheduleRemoval } from '../../../src/sinks/ducklake/registered-files.js';
import type { DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { StateMerges } from '../../../src/sinks/ducklake/state-merges.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, openLakeSink, s3LakeOptions } from '../../support/lakes.js';
import { describeS3 } from '../../support/s3.js';

vi.setConfig({ testTimeout: 60_000 });
afterEach(() => void vi.restoreAllMocks());

async function open(more: Partial<DuckLakeSinkOptions> = {}) {
  const options = { ...lakeOptions(temporaryDirectory()), state: 'table' as const, ...more };
  const sink = await openLakeSink(options);
  let next = 0;
  const commit = async (keys: readonly string[], nextOffset = next + keys.length) => {
    const values = keys.map((key, n) => order(`${next + n}`, { order_id: key }));
    await sink.stage(await makeLakeBatch(options, 0, next, values, { nextOffset }));
    await sink.commit();
    next = nextOffset;
  };
  /** All of the state that are stored, of whatever generation. */
  const stored = () => listFiles(join(options.dataPath, 'sluice', 'state'));
  return { options, sink, commit, stored };
}

const ORDERS = 'SELECT order_id, kafka_offset::INTEGER FROM orders ORDER BY ALL';
const STATE = 'SELECT order_id, kafka_offset::INTEGER FROM sluice.state ORDER BY ALL';
const FILES = `SELECT data_file FROM ducklake_list_files('lake', 'state', schema => 'sluice') ORDER BY ALL`;
const gone = (path: string) => [
  expect.stringMatching(`^the newest state could not be read, as its file ${path} is gone`),
];

describe.skipIf(whyNoExtensions() !== undefined)('a merge', () => {
  it('writes files of the target size, sorted by key, in small row groups', async () => {
    const { sink, commit, stored } = await open({
      compaction: { afterFiles: 0, targetBytes: 100_000, compression: 'zstd' },
    });
    const keys = Array.from({ length: 90_000 }, (_, n) => `k${(n * 7919) % 90_000}`.padEnd(40, `${n}`));
    await commit(keys);
    expect((await sink.compact(true)).left).toEqual([]);
    const paths = stored();
    expect(paths.length).toBeGreaterThan(1);
    expect((await select(sink, FILES)).map(String).sort()).toEqual(paths.sort());
    const [bounds, groups]: [string[], number[]] = [[], []];
    for (const path of paths) {
      const [[codec, rows, low, high, isSorted]] = await select(
        sink,
        `SELECT (SELECT any_value(compression) FROM parquet_metadata('${path}')),
           (SELECT max(row_group_num_rows)::INTEGER FROM parquet_metadata('${path}')), min(order_id), max(order_id),
           list(order_id ORDER BY file_row_number) = list(order_id ORDER BY order_id)
         FROM read_parquet('${path}', file_row_number = true)`,
      );
      expect([codec, isSorted]).toEqual(['ZSTD', true]);
      groups.push(Number(rows));
      bounds.push(String(low), String(high));
    }
    expect(bounds).toEqual([...bounds].sort());
    expect(Math.max(...groups)).toBe(20_480);
  });

  it('of no rows has no file', async () => {
    const { sink, commit, stored } = await open();
    await commit([], 3);
    expect((await sink.compact(true)).left).toEqual([]);
    expect([stored(), await select(sink, ORDERS)]).toEqual([[], []]);
    expect(await select(sink, 'SELECT next_offset::INTEGER FROM sluice.merged WHERE partition_id = 0')).toEqual([[3]]);
  });

  it('that fails leaves no file, unless that may be registered', async () => {
    const { sink, commit, stored } = await open();
    await commit(['a', 'b']);
    const notMerged = [expect.stringMatching(/^the newest state is not merged.*no room/)];
    for (const statement of [/^COPY/, /add_data_files/, /^INSERT INTO sluice.merged/]) {
      failAt(statement, new Error('no room'));
      expect((await sink.compact(true)).left).toEqual(notMerged);
      expect([stored(), await select(sink, STATE)]).toEqual([[], []]);
    }
    failAt(/^COMMIT$/, new Error('no answer'), { isDone: true });
    expect((await sink.compact(true)).left).toEqual([expect.stringContaining('no answer')]);
    expect(stored()).toHaveLength(1);
    const rows = [
      ['a', 0],
      ['b', 1],
    ];
    expect([await select(sink, ORDERS), await select(sink, STATE)]).toEqual([rows, rows]);
    expect((await sink.compact(true)).left).toEqual([]);
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('a state whose file is gone', () => {
  const rows = [
    ['a', 20_000],
    ['b', 1],
  ];

  /** As another process finds it: what this one has read, it keeps in memory. */
  const lose = async () => {
    const { options, sink, commit, stored } = await open();
    await commit(['a', 'b'], 20_000);
    await commit(['a'], 20_001);
    await sink.compact(true);
    await sink.close();
    const [lost] = stored();
    rmSync(lost);
    const other = await openLakeSink(options);
    await expect(select(other, ORDERS)).rejects.toThrow('Cannot open file');
    return { sink: other, lost };
  };

  it('is emptied by a process that starts, and merged when that is due', async () => {
    const { sink, lost } = await lose();
    expect((await sink.compact()).left).toEqual(gone(lost));
    expect([await select(sink, ORDERS), await select(sink, STATE)]).toEqual([rows, rows]);
    expect((await sink.compact(true)).left).toEqual([]);
    // Nor is the file in the way when what no snapshot has any more is removed.
    await select(sink, `CALL ducklake_cleanup_old_files('lake', cleanup_all => true)`);
    expect(await select(sink, ORDERS)).toEqual(rows);
  });

  it('is emptied and merged when all is wanted', async () => {
    const { sink, lost } = await lose();
    expect((await sink.compact(true)).left).toEqual(gone(lost));
    expect([await select(sink, ORDERS), await select(sink, STATE)]).toEqual([rows, rows]);
  });

  it('is looked for after a merge failed', async () => {
    const { options, sink, commit, stored } = await open();
    await commit(['a', 'b'], 20_000);
    await sink.compact();
    const [path] = stored();
    const [connection, beside] = [await sink.connect(), new BesideCommits(await sink.connect(), options.dataPath)];
    const merges = new StateMerges(options, connection, beside, new AbortController().signal);
    expect([await merges.isDue(false), await merges.run(false)]).toEqual([true, []]);
    expect(await merges.isDue(false)).toBe(false);
    await commit(['a'], 40_000);
    rmSync(path);
    await expect(merges.isDue(false)).rejects.toThrow('Cannot open file');
    expect([await merges.isDue(false), await merges.run(false)]).toEqual([true, gone(path)]);
    await commit(['a'], 60_000);
    failAt(/^COPY/, new Error('no room'));
    expect([await merges.isDue(false), await merges.run(false)]).toEqual([true, [expect.stringContaining('no room')]]);
    const [second] = stored().filter((file) => file !== path);
    rmSync(second);
    expect([await merges.isDue(false), await merges.run(false)]).toEqual([true, gone(second)]);
    expect(await select(sink, STATE)).toEqual([
      ['a', 40_000],
      ['b', 1],
    ]);
  });
});

describeS3('in an object store', (s3) => {
  it.skipIf(whyNoExtensions() !== undefined)('a state is merged, and merged anew if its object is gone', async () => {
    const bucket = await s3().createBucket();
    const options = { ...s3LakeOptions(s3().endpoint, `s3://${bucket}/lake`), state: 'table' as const };
    const { sink, commit } = await open(options);
    await commit(['a', 'b']);
    expect((await sink.compact(true)).left).toEqual([]);
    await commit(['a']);
    expect((await sink.compact(true)).left).toEqual([]);
    const rows = [
      ['a', 2],
      ['b', 1],
    ];
    expect([await select(sink, ORDERS), await select(sink, STATE)]).toEqual([rows, rows]);
    const [[path], ...others] = await select(sink, FILES);
    expect(others).toEqual([]);
    const connection = await sink.connect();
    await scheduleRemoval(connection, [String(path)]);
    await connection.run(`CALL ducklake_cleanup_old_files('lake', cleanup_all => true)`);
    connection.closeSync();
    await sink.close();
    const other = await openLakeSink(options);
    expect((await other.compact(true)).left).toEqual(gone(String(path)));
    expect([await select(other, ORDERS), await select(other, STATE)]).toEqual([rows, rows]);
  });
});
