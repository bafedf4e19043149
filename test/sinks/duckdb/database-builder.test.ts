/** What a recovery makes of files and of what the old database knows. */
import { rmSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import type { RebuildOptions } from '../../../src/sinks/duckdb/database-builder.js';
import { rebuild } from '../../../src/sinks/duckdb/rebuild.js';
import { publish } from '../../../src/sinks/duckdb/recovery.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { nameOf } from '../../support/recovering.js';
import { changeDatabase, queryDatabase, retainIn } from '../../support/verifying.js';

const rebuilt = (dataDir: string, more: Partial<RebuildOptions> = {}) =>
  rebuild({ dataDir, topic: TOPIC, spec: undefined, fallbackSpec: ORDERS_SPEC, memoryLimit: 1 << 28, ...more });

/** Files of partition 0 for offsets 2–4, 6–8 and 8–9, as if there had never been a database. */
async function files(spec: TableSpec = ORDERS_SPEC): Promise<string> {
  const dataDir = temporaryDirectory();
  for (const [start, values] of [
    [2, [order(token(1), { event_time: '2023-01-05T00:00:00Z' }), order(token(2))]],
    [6, [order(token(1)), '{']],
    [8, [order(token(3), { event_time: '2023-01-03T00:00:00Z' })]],
  ] as const) {
    publish([(await makeBatch(dataDir, 0, start, values, { spec })).file!]);
  }
  return dataDir;
}

/** The same, with an old database that has a ledger of them, and what `sql` says. */
async function filesAndOld(sql = 'SELECT 1'): Promise<string> {
  const dataDir = await files();
  await rebuilt(dataDir);
  await changeDatabase(dataDir, `UPDATE sluice.batches SET kind = 'consume'; ${sql}`);
  return dataDir;
}

/** SQL: a batch that the old database knows. */
const batch = (start: number, next: number, file?: string) =>
  `INSERT INTO sluice.batches BY NAME SELECT topic: '${TOPIC}', partition_id: 0, start_offset: ${start},
     next_offset: ${next}, committed_at: now(), rows_quarantined: 1,
     file: ${file === undefined ? 'NULL' : `'${file}'`};`;
const quarantine = (...offsets: number[]) =>
  `INSERT INTO sluice.quarantine BY NAME SELECT topic: '${TOPIC}', partition_id: p,
     message_offset: unnest([${offsets}]), reason: 'x' FROM range(2) r(p);`;

const LEDGER = 'SELECT start_offset::INTEGER, next_offset::INTEGER, kind FROM sluice.batches ORDER BY 1';
const POSITION = `SELECT next_offset::INTEGER, first_offset::INTEGER, start_reason, leader_epoch FROM sluice.positions`;
const range = (start: number, next: number) => ({ partition: 0, start, next });

describe('of files alone', () => {
  it('has their rows, each once, and a ledger with what it cannot know', async () => {
    const dataDir = await files();
    expect(await rebuilt(dataDir)).toEqual({
      ...{ specFrom: 'fallback', files: 3, rowsMerged: 3, rowsDuplicate: 1, markers: 0, keptAs: undefined },
      partitions: [{ ...range(2, 9), holes: [range(4, 6)], quarantined: 1, quarantineKept: 0 }],
      ...{ uncounted: [], uncertain: [] },
    });
    expect(await queryDatabase(dataDir, LEDGER)).toEqual([
      [2, 4, 'recovered'],
      [4, 6, 'recovered'],
      [6, 8, 'recovered'],
      [8, 9, 'recovered'],
    ]);
    expect(await queryDatabase(dataDir, POSITION)).toEqual([[9, 2, 'unknown', null]]);
    const counts = `SELECT start_offset::INTEGER, rows_merged::INTEGER, rows_duplicate::INTEGER, file
      FROM sluice.batches
      WHERE file IS NOT NULL ORDER BY 1`;
    expect(await queryDatabase(dataDir, counts)).toEqual([
      [2, 2, 0, nameOf(0, 2, 4)],
      [6, 0, 1, nameOf(0, 6, 8)],
      [8, 1, 0, nameOf(0, 8, 9)],
    ]);
    const watermark = 'SELECT watermark::DATE::VARCHAR FROM sluice.positions';
    expect(await queryDatabase(dataDir, watermark)).toEqual([['2023-01-05']]);
    const meta = 'SELECT created_format, cluster_id, topic_id, format_version FROM sluice.meta';
    expect(await queryDatabase(dataDir, meta)).toEqual([[3, null, null, 3]]);
  });

  it('has of each partition its own files, and the leader epoch of the last one', async () => {
    const dataDir = await files();
    for (const [start, leaderEpoch, operation] of [
      [1, 7, 'insert'],
      [4, 5, 'snapshot_begin'],
    ] as const) {
      const values = [order(token(20 + start), { operation, event_time: '2023-01-04T00:00:00Z' }), '{'];
      publish([(await makeBatch(dataDir, 1, start, values, { leaderEpoch })).file!]);
    }
    const found = await rebuilt(dataDir);
    expect(found).toMatchObject({ rowsMerged: 4, rowsDuplicate: 1, markers: 1 });
    expect(found.partitions).toEqual([
      { ...range(2, 9), holes: [range(4, 6)], quarantined: 1, quarantineKept: 0 },
      { ...range(1, 6), partition: 1, holes: [{ ...range(3, 4), partition: 1 }], quarantined: 2, quarantineKept: 0 },
    ]);
    const positions = `SELECT partition_id, next_offset::INTEGER, leader_epoch, watermark::DATE::VARCHAR
      FROM sluice.positions ORDER BY 1`;
    expect(await queryDatabase(dataDir, positions)).toEqual([
      [0, 9, null, '2023-01-05'],
      [1, 6, 5, '2023-01-04'],
    ]);
  });

  it('numbers its commit before the one that a journal explains', async () => {
    const dataDir = await files();
    const commits = 'SELECT DISTINCT commit_id::INTEGER FROM sluice.batches WHERE file IS NOT NULL';
    await rebuilt(dataDir);
    expect(await queryDatabase(dataDir, commits)).toEqual([[1]]);
    writeJournal(dataDir, { commit: 9, files: [] });
    await rebuilt(dataDir);
    expect(await queryDatabase(dataDir, commits)).toEqual([[8]]);
  });

  it('names what does not count', async () => {
    const dataDir = await files();
    publish([(await makeBatch(dataDir, 0, 9, [order(token(4))])).file!]);
    writeJournal(dataDir, { commit: 2, files: [nameOf(0, 9, 10), nameOf(0, 10, 11)] });
    expect(await rebuilt(dataDir)).toMatchObject({ files: 3, uncounted: [nameOf(0, 9, 10)] });
  });

  it('has no duplicates without change ids, and no watermark without a time', async () => {
    const columns = [{ name: 'order_id', kind: 'text', required: true, role: 'key' }];
    const spec = parseSpec(JSON.stringify({ table: 'log', view: 'now', columns }), 'of the test');
    const dataDir = await files(spec);
    expect(await rebuilt(dataDir, { fallbackSpec: spec })).toMatchObject({ rowsMerged: 4, rowsDuplicate: 0 });
    expect(await queryDatabase(dataDir, 'SELECT watermark FROM sluice.positions')).toEqual([[null]]);
    expect(await queryDatabase(dataDir, 'SELECT count(*)::INTEGER FROM log')).toEqual([[4]]);
  });

  it('has columns that only files have', async () => {
    const status = ORDERS_SPEC.columns.find(({ name }) => name === 'status')!;
    const more = { ...ORDERS_SPEC, columns: [...ORDERS_SPEC.columns, { ...status, name: 'more' }] };
    const dataDir = await files();
    publish([(await makeBatch(dataDir, 1, 0, [order('x')], { spec: more })).file!]);
    await rebuilt(dataDir, { spec: ORDERS_SPEC });
    expect((await queryDatabase(dataDir, 'DESCRIBE cdc_orders')).map(([name, type]) => [name, type]).at(-1)).toEqual([
      'more',
      'VARCHAR',
    ]);
  });
});

describe('of files and an old database', () => {
  it('has what that one knows of the topic, of columns and of where partitions began', async () => {
    const dataDir = await filesAndOld(
      `UPDATE sluice.meta SET created_format = 2, cluster_id = 'it''s', topic_id = 't';
       UPDATE sluice.columns SET issue_bit = 60 WHERE name = 'status';
       UPDATE sluice.positions SET first_offset = 1, start_reason = 'latest';
       ${batch(1, 2)} ${quarantine(1, 4, 7, 9, 12)}`,
    );
    expect(await rebuilt(dataDir)).toMatchObject({
      specFrom: 'old database',
      partitions: [{ ...range(1, 9), holes: [], quarantined: 2, quarantineKept: 3 }],
    });
    expect(await queryDatabase(dataDir, 'SELECT created_format, cluster_id, topic_id FROM sluice.meta')).toEqual([
      [2, "it's", 't'],
    ]);
    expect(await queryDatabase(dataDir, `SELECT issue_bit FROM sluice.columns WHERE name = 'status'`)).toEqual([[60]]);
    expect(await queryDatabase(dataDir, POSITION)).toEqual([[9, 1, 'latest', null]]);
    expect(await queryDatabase(dataDir, 'SELECT partition_id, message_offset::INTEGER FROM sluice.quarantine')).toEqual(
      [
        [0, 1],
        [0, 4],
        [0, 7],
      ],
    );
    expect(await queryDatabase(dataDir, LEDGER)).toEqual([
      [1, 2, 'consume'],
      [2, 4, 'recovered'],
      [4, 6, 'consume'],
      [6, 8, 'recovered'],
      [8, 9, 'recovered'],
    ]);
    expect(await rebuilt(dataDir, { spec: ORDERS_SPEC })).toMatchObject({ specFrom: 'given' });
  });

  it.each<[string, [number, number][], [number, number][]]>([
    [
      'all',
      [
        [4, 5],
        [5, 6],
      ],
      [],
    ],
    ['the end', [[5, 6]], [[4, 5]]],
    ['the beginning', [[4, 5]], [[5, 6]]],
    // It is of other files.
    ['a part of more', [[4, 7]], [[4, 6]]],
    ['a part of what is before', [[3, 5]], [[4, 6]]],
    [
      'what is beside it',
      [
        [3, 4],
        [6, 7],
      ],
      [[4, 6]],
    ],
    ['nothing', [], [[4, 6]]],
  ])('takes its batches of a hole in the files: it knows %s', async (_, known, unknown) => {
    const dataDir = await filesAndOld(
      `DELETE FROM sluice.batches WHERE file IS NULL; ${known.map(([start, next]) => batch(start, next)).join(' ')}`,
    );
    const { partitions } = await rebuilt(dataDir);
    expect(partitions[0].holes).toEqual(unknown.map(([start, next]) => range(start, next)));
    const inHole = (await queryDatabase(dataDir, LEDGER)).filter(([start]) => Number(start) >= 4 && Number(start) < 6);
    const taken = known.filter(([start, next]) => start >= 4 && next <= 6);
    expect(inHole).toEqual(
      [...taken.map((ends) => [...ends, 'consume']), ...unknown.map((ends) => [...ends, 'recovered'])].sort(
        ([a], [b]) => Number(a) - Number(b),
      ),
    );
  });

  it('is not made if that one names a file that is missing', async () => {
    const dataDir = await filesAndOld(`DELETE FROM sluice.batches WHERE file IS NULL; ${batch(4, 6, 'gone.parquet')}`);
    await expect(rebuilt(dataDir)).rejects.toMatchObject({
      code: 'SLUICE_UNEXPLAINED_FILES',
      message: expect.stringContaining('gone.parquet is missing, which the old database names for offsets 4 to 6 of'),
    });
    // Of another partition, or before all files, it was not recovered anyway.
    await changeDatabase(dataDir, `UPDATE sluice.batches SET partition_id = 7 WHERE file = 'gone.parquet'`);
    expect((await rebuilt(dataDir)).partitions[0].holes).toEqual([range(4, 6)]);
  });

  it('may let rows leave, if that one could', async () => {
    const dataDir = await filesAndOld();
    await retainIn(dataDir);
    await rebuilt(dataDir);
    expect(await queryDatabase(dataDir, 'SELECT format_version FROM sluice.meta')).toEqual([[4]]);
    rmSync(join(dataDir, 'analytics.db'));
    await rebuilt(dataDir);
    expect(await queryDatabase(dataDir, 'SELECT format_version FROM sluice.meta')).toEqual([[3]]);
  });

  it('continues as a run does', async () => {
    const dataDir = await filesAndOld();
    const { keptAs } = await rebuilt(dataDir);
    expect(relative(dataDir, keptAs!)).toMatch(/^analytics\.db\.before-recovery-/);
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 9, [order(token(3)), order(token(9))]));
    expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
  });
});
