/** What Parquet files say of themselves, and which of them hold each message once. */
import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { NO_STATS } from '../../../src/core/batch-stats.js';
import { literal } from '../../../src/core/sql.js';
import { writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { mostRows, takeInventory } from '../../../src/sinks/duckdb/file-inventory.js';
import { parquetPath } from '../../../src/storage/data-dir.js';
import { temporaryDirectory } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

describe('mostRows', () => {
  const file = (start: number, next: number, rows = next - start, partition = 0) => ({ partition, start, next, rows });

  it.each([
    ['files side by side', [file(0, 4), file(6, 9), file(0, 2, 2, 1)], [0, 1, 2]],
    ['a joined file instead of its parts', [file(0, 2), file(0, 6), file(2, 6)], [1]],
    ['parts of which the joined file has fewer rows', [file(0, 2), file(0, 6, 3), file(2, 6)], [0, 2]],
    ['a joined file that follows its parts', [file(0, 2), file(2, 6), file(0, 6)], [2]],
    ['parts before a joined file of fewer rows', [file(0, 2), file(2, 6), file(0, 6, 3)], [0, 1]],
    ['the first of two that are alike', [file(0, 6), file(0, 6)], [0]],
    ['files without rows', [file(0, 2, 0), file(2, 6), file(6, 8, 0)], [0, 1, 2]],
    ['a joined file instead of a part without rows', [file(0, 2, 0), file(0, 6, 4), file(2, 6)], [1]],
    ['of each partition, in order', [file(0, 2, 2, 10), file(0, 2, 2, 9), file(4, 6), file(0, 2)], [3, 2, 1, 0]],
    ['a later join that overlaps an earlier one', [file(0, 20), file(0, 10), file(10, 30)], [1, 2]],
  ])('chooses %s', (_, files, chosen) => {
    expect(mostRows(files)).toEqual(chosen.map((index) => files[index]));
  });
});

describe('an inventory', () => {
  const TOPIC = 'orders';
  let dataDir: string;
  let connection: DuckDBConnection;

  beforeEach(async () => {
    dataDir = temporaryDirectory();
    connection = await memoryConnection();
  });

  interface Content {
    readonly offsets?: readonly (number | string)[];
    /** Of the rows; default that of the name. */
    readonly partition?: number;
    readonly metadata?: Readonly<Record<string, string | number>>;
  }

  const pathOf = (start: number, next: number, partition = 0) => parquetPath(dataDir, TOPIC, partition, start, next);
  const nameOf = (start: number, next: number, partition = 0) => relative(dataDir, pathOf(start, next, partition));
  const range = (start: number, next: number) => Array.from({ length: next - start }, (_, n) => start + n);

  /** The first row is late, the second one has an issue. */
  async function writeTo(path: string, { offsets = [], partition = 0, metadata = {} }: Content): Promise<void> {
    mkdirSync(dirname(path), { recursive: true });
    const rows = offsets.map(
      (offset, n) => `(${partition}, ${literal(String(offset))}, ${n === 0}, ${n === 1 ? 4 : 0})`,
    );
    const type = offsets.every((offset) => typeof offset === 'number') ? 'BIGINT' : 'VARCHAR';
    const from = `(VALUES (0, '0', false, 0)${rows.map((row) => `, ${row}`).join('')})
      rows(kafka_partition, kafka_offset, is_late, issues) OFFSET 1`;
    const entries = Object.entries({ topic: TOPIC, ...metadata }).map(([key, value]) => `'sluice.${key}': '${value}'`);
    await connection.run(
      `COPY (SELECT * REPLACE (kafka_offset::${type} AS kafka_offset) FROM ${from}) TO ${literal(path)}
       (FORMAT parquet, KV_METADATA {${entries.join(', ')}})`,
    );
  }

  const write = (start: number, next: number, content: Content = {}, partition = 0) =>
    writeTo(pathOf(start, next, partition), { offsets: range(start, next), partition, ...content });

  const damage = (start: number, next: number, partition = 0) => {
    mkdirSync(dirname(pathOf(start, next, partition)), { recursive: true });
    writeFileSync(pathOf(start, next, partition), 'damaged');
  };

  const inventory = () => takeInventory(connection, dataDir, TOPIC);

  /** The names of files that are used, and of those that are not. */
  async function taken() {
    const { files, redundant, unfinished } = await inventory();
    return { used: files.map(({ name }) => name), redundant, unfinished };
  }

  async function refusal(): Promise<string> {
    const refused = await inventory().catch((thrown: unknown) => thrown);
    expect(refused).toMatchObject({ code: 'SLUICE_UNEXPLAINED_FILES' });
    return (refused as Error).message;
  }

  const unknown = { countsAll: false, leaderEpoch: undefined, schemaIds: [], format: 1 };
  const counted = { ok: 2, rowsLate: 1, rowsWithIssues: 1 };

  it.each([
    ['nothing but its topic', {}, unknown, { messages: 2 }],
    [
      'all there is to say',
      {
        ...{ messages_ok: 2, messages_quarantined: 3, messages_tombstone: 4, messages_malformed: 1 },
        ...{ leader_epoch: 7, schema_ids: '5 6', format: 3 },
      },
      { countsAll: true, leaderEpoch: 7, schemaIds: [5, 6], format: 3 },
      { messages: 9, quarantined: 3, tombstone: 4, malformed: 1 },
    ],
    [
      'why messages were quarantined',
      { messages_malformed: 2, messages_missing_required: 1, messages_tombstone: 0 },
      { ...unknown, countsAll: true },
      { messages: 5, quarantined: 3, malformed: 2, missing_required: 1 },
    ],
    ['of tombstones only', { messages_tombstone: 4 }, unknown, { messages: 6, tombstone: 4 }],
    ['of the quarantine only', { messages_quarantined: 4 }, unknown, { messages: 6, quarantined: 4 }],
  ])('knows what a file says: %s', async (_, metadata, said, stats) => {
    await write(4, 6, { metadata }, 3);
    const path = pathOf(4, 6, 3);
    const file = { partition: 3, start: 4, next: 6, path, name: nameOf(4, 6, 3), bytes: statSync(path).size, rows: 2 };
    expect(await inventory()).toEqual({
      files: [{ ...file, ...said, stats: { ...NO_STATS, ...counted, ...stats } }],
      redundant: [],
      unfinished: [],
    });
  });

  it.each<[string, Content, string]>([
    ['another topic', { metadata: { topic: 'other' } }, 'it is of the topic other'],
    ['fewer rows than it says', { metadata: { messages_ok: 5 } }, 'it has 4 rows, not 5'],
    ['no rows', { offsets: [] }, 'it has no rows, and does not say why'],
    ['an offset twice', { offsets: [4, 5, 5] }, 'its offsets are not its own'],
    ['rows of another partition', { partition: 1 }, 'its offsets are not its own'],
    ['an offset before its first', { offsets: [3, 4] }, 'it has the offsets 3 to 4'],
    ['an offset after its last', { offsets: [4, 8] }, 'it has the offsets 4 to 8'],
  ])('refuses a file with %s', async (_, content, problem) => {
    await write(4, 8, content);
    expect(await refusal()).toMatch(`${nameOf(4, 8)} cannot be used: ${problem}. Nothing was changed`);
  });

  it('refuses a file whose name says nothing, and looks at no other ones than Parquet', async () => {
    await write(0, 4);
    writeFileSync(join(dirname(pathOf(0, 4)), 'notes.txt'), 'x');
    expect(await taken()).toEqual({ used: [nameOf(0, 4)], redundant: [], unfinished: [] });
    await writeTo(join(dirname(pathOf(0, 4)), 'other.parquet'), { offsets: [1] });
    expect(await refusal()).toMatch(/other\.parquet cannot be used: Sluice gives no such name/);
  });

  it('leaves out files that have their rows in others, each side by side', async () => {
    for (const [start, next] of [
      [4, 8],
      [0, 4],
      [8, 9],
    ])
      await write(start, next);
    await write(3, 5);
    await write(1, 2);
    await write(1, 2, {}, 1);
    const used = [nameOf(0, 4), nameOf(4, 8), nameOf(8, 9), nameOf(1, 2, 1)];
    expect(await taken()).toEqual({ used, redundant: [nameOf(1, 2), nameOf(3, 5)], unfinished: [] });
  });

  it.each([
    ['begins where another one ends', 4, 7],
    ['ends where another one begins', 6, 8],
  ])('refuses a file that has rows of its own, and %s', async (_, start, next) => {
    for (const [first, end] of [
      [0, 4],
      [8, 10],
    ])
      await write(first, end);
    await write(4, 8, { offsets: [4, 5, 7] });
    await write(start, next, { offsets: [6] });
    await write(start, next, {}, 1);
    expect(await refusal()).toMatch(
      `${nameOf(start, next)} overlaps ${nameOf(4, 8)}, which do not have all its rows. Nothing was changed`,
    );
  });

  it('says which files contradict one, and which one cannot be compared', async () => {
    await write(0, 4, { offsets: [0, 1, 2] });
    await write(4, 8);
    await write(3, 5, { offsets: [3] });
    expect(await refusal()).toMatch(`${nameOf(3, 5)} overlaps ${nameOf(0, 4)} and ${nameOf(4, 8)}, which`);
    await write(3, 5, { offsets: ['three'] });
    await expect(inventory()).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringContaining(`${nameOf(3, 5)} cannot be compared`),
    });
  });

  it.each([
    ['of one file', 1, 3],
    ['of one file, from its beginning', 5, 7],
    ['of files side by side', 9, 14],
  ])('does without a damaged file in the range %s', async (_, start, next) => {
    for (const [first, end] of [
      [0, 4],
      [5, 8],
      [9, 12],
      [12, 14],
    ])
      await write(first, end);
    damage(start, next);
    const used = [nameOf(0, 4), nameOf(5, 8), nameOf(9, 12), nameOf(12, 14)];
    expect(await taken()).toEqual({ used, redundant: [nameOf(start, next)], unfinished: [] });
  });

  it.each([
    ['between files', 0, 8],
    ['before the first file', 2, 6],
    ['after a file', 5, 9],
    ['of another partition', 5, 8, 1],
  ])('refuses a damaged file with offsets %s', async (_, start, next, partition = 0) => {
    for (const [first, end] of [
      [3, 4],
      [5, 8],
      [10, 12],
    ])
      await write(first, end);
    damage(start, next, partition);
    expect(await refusal()).toMatch(`${nameOf(start, next, partition)} cannot be used: `);
  });

  it('takes the files of a commit that the journal names only if all are there', async () => {
    await write(0, 4);
    await write(4, 8);
    await write(0, 2, {}, 1);
    writeJournal(dataDir, { commit: 2, files: [nameOf(4, 8), nameOf(0, 2, 1)] });
    const all = [nameOf(0, 4), nameOf(4, 8), nameOf(0, 2, 1)];
    expect(await taken()).toEqual({ used: all, redundant: [], unfinished: [] });
    rmSync(pathOf(0, 2, 1));
    expect(await taken()).toEqual({ used: [nameOf(0, 4)], redundant: [], unfinished: [nameOf(4, 8)] });
  });
});
