/** A position that an operator moves: what leaves, what comes again, and a crash before and after the COMMIT. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { expect, it } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { readJournal, writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { openDatabase } from '../../../src/sinks/duckdb/database.js';
import { openDirectory } from '../../../src/sinks/duckdb/opening.js';
import { type ResetPlan, type ResetRequest, reset } from '../../../src/sinks/duckdb/reset.js';
import { databasePath } from '../../../src/storage/data-dir.js';
import { makeBatch, openSink, order, sinkOptions, TOPIC, temporaryDirectory } from '../../support/batches.js';
import { nameOf, parquetFiles, verified } from '../../support/recovering.js';
import { changeDatabase, queryDatabase } from '../../support/verifying.js';

/** Orders without a change id. */
const PLAIN = parseSpec(
  JSON.stringify({
    table: 'cdc_orders',
    view: 'orders',
    columns: [
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
      { name: 'operation', kind: 'text', role: 'operation' },
    ],
  }),
  'of the test',
);
const VALUES = [order('a'), order('b'), 'no json', order('a'), order('c'), null];
const CHANGES = 'SELECT kafka_partition, kafka_offset, order_id FROM cdc_orders ORDER BY ALL';
const LEDGER = `SELECT partition_id, start_offset, next_offset, kind, rows_merged, rows_duplicate, rows_quarantined
  FROM sluice.batches ORDER BY ALL`;

const request = (offset: number, more: Partial<ResetRequest> = {}): ResetRequest => {
  return { partition: 0, asked: String(offset), offset, isEarliest: false, low: 0, ...more };
};

/** Batches of 6 messages each from the offset that a partition has. */
async function consume(dataDir: string, spec = ORDERS_SPEC, partition = 0, until = 18, joined = false) {
  const sink = await openSink(dataDir, { spec });
  const from = Number((await queryPositions(sink.connect.bind(sink)))[partition]);
  for (let at = from; at < until; at += 6) {
    const values = VALUES.map(
      (value) => value?.replace(/"(a|b|c|o-.)"/g, (all) => all.replace(/"$/, `-${at}"`)) ?? null,
    );
    await sink.stage(await makeBatch(dataDir, partition, at, values, { spec }));
    await sink.commit();
  }
  if (joined) await sink.compact({ everything: true });
  await sink.close();
}

async function queryPositions(connect: () => Promise<DuckDBConnection>) {
  const connection = await connect();
  const rows = await rowsOf(connection, 'SELECT next_offset FROM sluice.positions ORDER BY partition_id');
  connection.closeSync();
  return rows.map(({ next_offset }) => next_offset);
}

type Commit = () => ReturnType<DuckDBConnection['run']>;

/** @param onCommit what happens when it is to commit */
async function moved(
  dataDir: string,
  asked: ResetRequest,
  spec = ORDERS_SPEC,
  onCommit = (commit: Commit) => commit(),
): Promise<ResetPlan> {
  const options = { ...sinkOptions(dataDir, { spec }) };
  const instance = await openDatabase(databasePath(dataDir), options);
  const connection = await instance.connect();
  try {
    await openDirectory(connection, { ...options, state: 'view' });
    const run = connection.run.bind(connection);
    connection.run = (sql) => (sql === 'COMMIT' ? onCommit(() => run(sql)) : run(sql));
    return await reset(connection, asked, { topic: TOPIC, spec, dataDir });
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

it.each([
  ['change ids', ORDERS_SPEC],
  ['none', PLAIN],
])('goes back to the start of a batch, and all is as it was when it is read again: %s', async (_, spec) => {
  const dataDir = temporaryDirectory();
  await consume(dataDir, spec);
  await consume(dataDir, spec, 1, 6);
  const [changes, ledger] = [await queryDatabase(dataDir, CHANGES), await queryDatabase(dataDir, LEDGER)];
  const plan = await moved(dataDir, request(8), spec);
  expect(plan).toMatchObject({ from: 18, to: 6, quarantined: 2, files: [6, 12].map((at) => nameOf(0, at, at + 6)) });
  expect(parquetFiles(dataDir)).toEqual([nameOf(0, 0, 6), nameOf(1, 0, 6)]);
  const { problems, notes } = await verified(dataDir);
  expect(problems).toEqual([]);
  expect(notes.join()).toMatch(
    /an operator went back from 18 to 6 with "sluice reset --to 8", 20.*: \d rows were removed/,
  );
  await consume(dataDir, spec);
  expect(await queryDatabase(dataDir, CHANGES)).toEqual(changes);
  expect(await queryDatabase(dataDir, LEDGER)).toEqual(ledger);
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('goes back to the start of a joined file, and no further than Kafka has offsets', async () => {
  const dataDir = temporaryDirectory();
  await consume(dataDir, ORDERS_SPEC, 0, 12, true);
  await consume(dataDir);
  expect(parquetFiles(dataDir)).toEqual([nameOf(0, 0, 12), nameOf(0, 12, 18)]);
  const tooFar = moved(dataDir, request(8, { low: 7 }));
  await expect(tooFar).rejects.toThrow(/its file begins at 0, and Kafka has offsets from 7 on only.*to 12/);
  expect((await verified(dataDir)).problems).toEqual([]);
  expect(await moved(dataDir, request(7, { low: 7, isEarliest: true }))).toMatchObject({ from: 18, to: 12 });
  expect(await moved(dataDir, request(8))).toMatchObject({ from: 12, to: 0 });
  expect(parquetFiles(dataDir)).toEqual([]);
  await consume(dataDir);
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('keeps a joined file that goes across batches without rows and gaps, or removes all of it', async () => {
  const made = temporaryDirectory();
  const sink = await openSink(made);
  const take = async (startOffset: number, values: (string | null)[]) => {
    await sink.stage(await makeBatch(made, 0, startOffset, values));
    await sink.commit();
  };
  await take(0, VALUES);
  await take(6, ['no json', null]);
  await sink.recordGaps([{ partition: 0, startOffset: 8, nextOffset: 12 }]);
  await take(12, [order('d'), order('e')]);
  await take(14, ['no json']);
  await sink.compact({ everything: true });
  await sink.close();
  expect(parquetFiles(made)).toEqual([nameOf(0, 0, 14)]);
  const after = async (asked: ResetRequest) => {
    const dataDir = temporaryDirectory();
    cpSync(made, dataDir, { recursive: true });
    const { to, files } = await moved(dataDir, asked);
    await (await openSink(dataDir)).close();
    expect((await verified(dataDir)).problems).toEqual([]);
    return [to, files.length, parquetFiles(dataDir).length];
  };
  for (const offset of [6, 11]) expect(await after(request(offset)), `${offset}`).toEqual([0, 1, 0]);
  expect(await after(request(14))).toEqual([14, 0, 1]);
  for (const low of [6, 9]) {
    await expect(after(request(low, { low }))).rejects.toThrow(/its file begins at 0.*as it can be, to 14/);
    expect(await after(request(low, { low, isEarliest: true })), `${low}`).toEqual([14, 0, 1]);
  }
});

it('changes nothing if a batch that stays has a file that would be removed', async () => {
  const dataDir = temporaryDirectory();
  await consume(dataDir);
  await changeDatabase(
    dataDir,
    `UPDATE sluice.batches b SET file = other.file, file_bytes = other.file_bytes FROM sluice.batches other
     WHERE b.start_offset = 0 AND other.start_offset = 12`,
  );
  const before = await queryDatabase(dataDir, LEDGER);
  await expect(moved(dataDir, request(8))).rejects.toThrow(`have rows in ${nameOf(0, 12, 18)}`);
  expect(await queryDatabase(dataDir, LEDGER)).toEqual(before);
  expect(existsSync(join(dataDir, nameOf(0, 12, 18)))).toBe(true);
});

it('goes ahead over a gap that an operator made, and back into it', async () => {
  const dataDir = temporaryDirectory();
  await consume(dataDir, ORDERS_SPEC, 0, 6);
  expect(await moved(dataDir, request(12))).toMatchObject({ from: 6, to: 12, rows: 0, files: [] });
  expect(await queryDatabase(dataDir, `SELECT commit_id FROM sluice.batches WHERE kind = 'gap'`)).toEqual([[2n]]);
  const { problems, notes } = await verified(dataDir);
  expect(problems).toEqual([]);
  expect(notes.join()).toMatch(/offsets 6 to 12 were not read: an operator went past them with "sluice reset"/);
  expect(notes.join()).not.toMatch(/gone from Kafka/);
  await consume(dataDir);
  expect(await moved(dataDir, request(9))).toMatchObject({ from: 18, to: 6 });
  expect(await moved(dataDir, request(6))).toMatchObject({ from: 6, to: 6 });
  await consume(dataDir);
  expect((await verified(dataDir)).problems).toEqual([]);
  expect(await queryDatabase(dataDir, 'SELECT count(*) FROM sluice.resets')).toEqual([[2n]]);
});

it('stays where it is if Kafka has no start of a file anymore, and has nowhere to go without a position', async () => {
  const dataDir = temporaryDirectory();
  await consume(dataDir, ORDERS_SPEC, 0, 6);
  expect(await moved(dataDir, request(4, { low: 3, isEarliest: true }))).toMatchObject({ from: 6, to: 6, files: [] });
  await expect(moved(dataDir, request(4, { low: 3 }))).rejects.toThrow(/as it can be, to 6$/);
  await expect(moved(dataDir, request(4, { partition: 7 }))).rejects.toMatchObject({
    code: 'SLUICE_CONFIG',
    message: expect.stringContaining('partition 7 has no position yet'),
  });
});

it('goes back before where a partition began', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.initPositions([{ partition: 2, nextOffset: 40, reason: 'latest' }]);
  await sink.close();
  expect(await moved(dataDir, request(30, { partition: 2 }))).toMatchObject({ from: 40, to: 30 });
  const again = await openSink(dataDir);
  await again.stage(await makeBatch(dataDir, 2, 30, VALUES));
  await again.commit();
  await again.close();
  expect(await moved(dataDir, request(20, { partition: 2 }))).toMatchObject({ from: 36, to: 20 });
  const { problems, notes } = await verified(dataDir);
  expect(problems).toEqual([]);
  expect(notes.join()).toMatch(/was set back by "sluice reset" to before it had begun: partition 2 at 20/);
});

it('removes files after a crash between the COMMIT and their removal, and none before the COMMIT', async () => {
  const dataDir = temporaryDirectory();
  await consume(dataDir);
  const files = [6, 12].map((at) => nameOf(0, at, at + 6));
  const all = parquetFiles(dataDir);
  // Before: the ledger has the files.
  writeJournal(dataDir, { commit: 2, files });
  await (await openSink(dataDir)).close();
  expect([parquetFiles(dataDir), readJournal(dataDir)]).toEqual([all, undefined]);
  const copy = temporaryDirectory();
  cpSync(dataDir, copy, { recursive: true });
  await moved(dataDir, request(6));
  // After: they are there, and the journal.
  for (const file of files) cpSync(join(copy, file), join(dataDir, file));
  writeJournal(dataDir, { commit: 2, files });
  expect((await verified(dataDir)).problems).toEqual([]);
  await (await openSink(dataDir)).close();
  expect(files.filter((file) => existsSync(join(dataDir, file)))).toEqual([]);
  expect((await verified(dataDir)).problems).toEqual([]);
});

it.each([false, true])('keeps the journal if the COMMIT fails, and a start asks the ledger: in it %s', async (isIn) => {
  const dataDir = temporaryDirectory();
  await consume(dataDir);
  const [changes, all] = [await queryDatabase(dataDir, CHANGES), parquetFiles(dataDir)];
  const fail = async (commit: Commit) => {
    if (isIn) await commit();
    throw new Error('the disk is full');
  };
  await expect(moved(dataDir, request(6), ORDERS_SPEC, fail)).rejects.toThrow('the disk is full');
  expect(readJournal(dataDir)).toEqual({ commit: 2, files: [6, 12].map((at) => nameOf(0, at, at + 6)) });
  expect(parquetFiles(dataDir)).toEqual(all);
  expect((await verified(dataDir)).problems).toEqual([]);
  await consume(dataDir, ORDERS_SPEC, 0, 0);
  expect(readJournal(dataDir)).toBe(undefined);
  expect(parquetFiles(dataDir)).toEqual(isIn ? all.slice(0, 1) : all);
  await consume(dataDir);
  expect(await queryDatabase(dataDir, CHANGES)).toEqual(changes);
  expect((await verified(dataDir)).problems).toEqual([]);
});
