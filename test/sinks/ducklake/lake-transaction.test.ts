/** What a commit to a lake writes, with a catalog in a file. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { BatchResult } from '../../../src/core/flow.js';
import { openRetention } from '../../../src/sinks/duckdb/retention-tables.js';
import {
  checkMoves,
  describeCommit,
  movesOf,
  settleGroup,
  writeGaps,
  writeStarts,
} from '../../../src/sinks/ducklake/lake-transaction.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

async function open(): Promise<{ options: DuckLakeSinkOptions; sink: DuckLakeSink; connection: DuckDBConnection }> {
  const options = lakeOptions(temporaryDirectory());
  const sink = await openLakeSink(options);
  const connection = await sink.connect();
  onTestFinished(() => connection.closeSync());
  return { options, sink, connection };
}

const marker = (id: string) => order(id, { operation: 'snapshot_begin', order_id_type: 'snapshot' });
const LOG = `SELECT kafka_partition, kafka_offset::INTEGER FROM cdc_orders ORDER BY ALL`;
const LEDGER = `SELECT partition_id, start_offset::INTEGER, rows_merged::INTEGER, rows_duplicate::INTEGER,
  rows_marker::INTEGER, kind, commit_id::INTEGER FROM sluice.batches ORDER BY ALL`;

describe.skipIf(whyNoExtensions() !== undefined)('a commit', () => {
  it('deletes duplicates and markers of its own files alone, and removes those of which no row stays', async () => {
    const { options, sink, connection } = await open();
    const batch = (partition: number, start: number, values: string[]) =>
      makeLakeBatch(options, partition, start, values);
    const groups: BatchResult[][] = [
      [await batch(0, 0, [order(token(1)), order(token(2)), marker('m')]), await batch(1, 0, [order(token(1))])],
      // Of lower sequences and offsets than the first ones, and of others.
      [await batch(1, 1, [order(token(3)), order(token(2)), order('text')]), await batch(0, 3, ['{'])],
      [await batch(0, 4, [marker('m')]), await batch(1, 4, [order('text'), marker('n'), order('other')])],
    ];
    const kept: boolean[][] = [];
    for (const batches of groups) {
      for (const each of batches) await sink.stage(each);
      const { stats } = await sink.commit();
      kept.push(batches.map(({ file }) => file !== undefined && existsSync(file.path)));
      // What the ledger says, if what was written is not known.
      const settled = await settleGroup(connection, options, batches);
      const sum = (name: 'merged' | 'duplicate' | 'marker') => settled.reduce((all, one) => all + one.stats[name], 0);
      expect([sum('merged'), sum('duplicate'), sum('marker')]).toEqual([stats.merged, stats.duplicate, stats.marker]);
    }
    expect(kept).toEqual([
      [true, false],
      [true, false],
      [false, true],
    ]);
    expect(await select(sink, LOG)).toEqual([
      [0, 0],
      [0, 1],
      [1, 1],
      [1, 3],
      [1, 6],
    ]);
    expect(await select(sink, 'SELECT partition_id, message_offset::INTEGER FROM sluice.markers ORDER BY ALL')).toEqual(
      [
        [0, 2],
        [1, 5],
      ],
    );
    // The first one is of the positions.
    expect(await select(sink, LEDGER)).toEqual([
      [0, 0, 2, 0, 1, 'consume', 2],
      [0, 3, 0, 0, 0, 'consume', 3],
      [0, 4, 0, 1, 0, 'consume', 4],
      [1, 0, 0, 1, 0, 'consume', 2],
      [1, 1, 2, 1, 0, 'consume', 3],
      [1, 4, 1, 1, 1, 'consume', 4],
    ]);
    const [one] = groups[0];
    await expect(settleGroup(connection, options, [{ ...one, nextOffset: 99 }])).rejects.toThrow('a row of each batch');
  });

  it('removes the files of a group that was committed without an answer', async () => {
    const { options, sink, connection } = await open();
    await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(1))]));
    await sink.commit();
    const made = await makeLakeBatch(options, 0, 1, [order(token(1))]);
    const written = { ...made, stats: { ...made.stats, merged: 0, duplicate: 1 } };
    expect(existsSync(made.file!.path)).toBe(true);
    expect(await settleGroup(connection, options, [made], [written])).toEqual([written]);
    expect(existsSync(made.file!.path)).toBe(false);
  });

  it('finds changes that have left by their age', async () => {
    const { options, sink, connection } = await open();
    await openRetention(connection);
    await connection.run(`INSERT INTO sluice.retired BY NAME SELECT topic: '${TOPIC}', partition_id: 0,
      message_offset: 0,
      change_id: '${token(5)}', change_seq: 99::UBIGINT`);
    await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(9))]));
    await sink.commit();
    const [[sequence]] = await select(sink, 'SELECT change_seq FROM cdc_orders');
    await connection.run(
      `UPDATE sluice.retired SET change_id = '${token(4)}', change_seq = ${(sequence as bigint) - (5n << 32n)}`,
    );
    await sink.stage(await makeLakeBatch(options, 0, 1, [order(token(4)), order(token(10))]));
    expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
  });

  it('has names of files below the folder of all, and whole ones of others; and what a position is', async () => {
    const { options, sink } = await open();
    const [inside, outside] = [
      await makeLakeBatch(options, 0, 0, [order(token(1), { event_time: '2026-01-01T00:00:00Z' })]),
      await makeLakeBatch({ ...options, dataPath: `${options.dataPath}-beside` }, 1, 0, [order(token(2))]),
    ];
    await sink.stage({ ...inside, leaderEpoch: 7 });
    await sink.stage(outside);
    await sink.commit();
    const columns = `SELECT file, leader_epoch, epoch_ms(watermark) IS NULL, max_change_seq IS NULL
      FROM sluice.batches ORDER BY partition_id`;
    expect(await select(sink, columns)).toEqual([
      [inside.file!.path.slice(options.dataPath.length + 1), 7, false, false],
      [outside.file!.path, null, true, false],
    ]);
    await sink.stage(await makeLakeBatch(options, 0, 1, ['{']));
    await sink.commit();
    expect((await select(sink, `${columns.replace('ORDER', 'WHERE start_offset = 1 ORDER')}`))[0]).toEqual([
      null,
      null,
      true,
      true,
    ]);
    expect(join(options.dataPath, '..')).toBe(options.dataDir);
  });

  it('may be of starts and gaps, and says what it moves', async () => {
    const { options, sink, connection } = await open();
    const inTransaction = async (work: () => Promise<void>) => {
      await connection.run('BEGIN');
      await work();
      await connection.run('COMMIT');
    };
    await inTransaction(() =>
      writeStarts(connection, options, [
        { partition: 4, nextOffset: 40, reason: 'latest' },
        { partition: 5, nextOffset: 0, reason: 'new_partition' },
      ]),
    );
    await inTransaction(async () => {
      const last = { commit: 8, maxChangeSeq: undefined };
      await writeGaps(connection, options, last, [{ partition: 4, startOffset: 40, nextOffset: 47 }]);
      const partitions = [
        { partition: 4, epoch: 1, start: 40, next: 47 },
        { partition: 5, epoch: 1, start: null, next: 3 },
      ];
      await describeCommit(connection, { topic: TOPIC, commit: 9, partitions, maxChangeSeq: null });
    });
    const starts = `SELECT topic, partition_id, first_offset::INTEGER, start_reason FROM sluice.starts
      WHERE partition_id > 1 ORDER BY ALL`;
    expect(await select(sink, starts)).toEqual([
      [TOPIC, 4, 40, 'latest'],
      [TOPIC, 5, 0, 'new_partition'],
    ]);
    expect(await select(sink, LEDGER)).toEqual([[4, 40, 0, 0, 0, 'gap', 9]]);
    const snapshot = `SELECT author, commit_message, json_extract(commit_extra_info, '$.commit')::INTEGER
      FROM ducklake_snapshots('lake') ORDER BY snapshot_id DESC LIMIT 1`;
    expect(await select(sink, snapshot)).toEqual([['sluice', `${TOPIC} 4: 40–47, 5: begins at–3`, 9]]);
  });
});

describe('moves', () => {
  const range = (partition: number, startOffset: number, nextOffset: number) => ({
    partition,
    startOffset,
    nextOffset,
  });

  it('are one of each partition, from the first of its batches to the last', () => {
    const ranges = [range(1, 5, 7), range(0, 0, 3), range(1, 7, 9), range(0, 3, 4)];
    expect(movesOf(ranges, (partition) => partition + 10)).toEqual([
      { partition: 1, epoch: 11, start: 5, next: 9 },
      { partition: 0, epoch: 10, start: 0, next: 4 },
    ]);
    for (const gap of [range(0, 4, 5), range(0, 2, 5)]) {
      expect(() => movesOf([range(0, 0, 3), gap], () => 0)).toThrow('batches of a partition follow each other');
    }
  });

  it('begin where the partition is', () => {
    const positions = new Map([
      [0, { partition: 0, nextOffset: 3, leaderEpoch: undefined, watermark: undefined }],
      [1, { partition: 1, nextOffset: 0, leaderEpoch: undefined, watermark: undefined }],
    ]);
    const check = (partition: number, start: number | null) =>
      checkMoves({ topic: TOPIC }, positions, [{ partition, epoch: 0, start, next: 9 }]);
    check(0, 3);
    check(1, 0);
    check(2, null);
    for (const [partition, start, text] of [
      [0, 2, `the position of ${TOPIC} partition 0 is 3, not 2`],
      [1, null, 'partition 1 is 0, not null'],
      [2, 0, 'partition 2 is missing, not 0'],
    ] as const) {
      const error = { code: 'SLUICE_FENCED', message: expect.stringContaining(text) };
      expect(() => check(partition, start)).toThrow(expect.objectContaining(error));
    }
  });
});
