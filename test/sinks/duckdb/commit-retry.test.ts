/** A commit that fails for want of something that comes back, and is tried again. */
import type * as FileSystem from 'node:fs';
import { DuckDBConnection } from '@duckdb/node-api';
import { expect, it, onTestFinished, vi } from 'vitest';
import { NOTHING_COMPACTED } from '../../../src/core/flow.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';
import { parquetFiles, verified } from '../../support/recovering.js';

/** What the next renames fail with: of the journal, then of the files. */
const failures: (NodeJS.ErrnoException | undefined)[] = [];

vi.mock('node:fs', async (load) => {
  const real = await load<typeof FileSystem>();
  const renameSync: typeof real.renameSync = (from, to) => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    real.renameSync(from, to);
  };
  return { ...real, renameSync };
});

const systemError = (code: string) => Object.assign(new Error(`${code}: rename`), { code, syscall: 'rename' });

it('takes the same group again, nothing twice, and what was staged meanwhile after it', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  for (const partition of [0, 1]) {
    await sink.stage(await makeBatch(dataDir, partition, 0, [order(token(1)), order(token(1))]));
  }
  failures.push(undefined, undefined, systemError('ENOSPC'));
  await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR', retryable: true });
  expect(await select(sink, 'SELECT count(*) FROM sluice.batches')).toEqual([[0n]]);
  await sink.stage(await makeBatch(dataDir, 0, 2, [order(token(3))]));
  const again = await sink.commit();
  expect(again).toMatchObject({
    stats: { merged: 1, duplicate: 3 },
    positions: [{ nextOffset: 2 }, { nextOffset: 2 }],
  });
  expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 0 }, positions: [{ nextOffset: 3 }] });
  await sink.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('is not tried again for what does not pass by itself, and its files are removed', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  failures.push(undefined, systemError('EACCES'));
  await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR', retryable: false });
  await expect(sink.commit()).rejects.toThrow(/one commit at a time/);
});

/** Does the next COMMIT, and loses its answer. */
function loseAnswer(): void {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (this: never, ...args) {
    const result = await run.apply(this, args);
    if (args[0] !== 'COMMIT') return result;
    spy.mockRestore();
    throw new Error('no answer');
  });
}

it.each([
  ['the answer to its COMMIT', 'SLUICE_SINK', loseAnswer],
  ['the rename of its file', 'SLUICE_DATA_DIR', () => failures.push(systemError('ENOSPC'))],
] as const)('goes no further after a replay that lacks %s, which the next start finishes', async (_, code, fail) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
  await sink.commit();
  const batch = await makeBatch(temporaryDirectory(), 0, 0, [null, order(token(2))]);
  const taken = { ...batch, quarantined: [], stats: { ...batch.stats, quarantined: 0 }, taken: [1] };
  const piece = { specHash: specHash(ORDERS_SPEC), batches: [taken] };
  fail();
  const forGood = { code, retryable: false, message: expect.stringContaining('a replay cannot be committed') };
  const both = [sink.replay(piece), sink.replay(piece)];
  await Promise.all(both.map((replayed) => expect(replayed).rejects.toMatchObject(forGood)));
  await sink.stage(await makeBatch(dataDir, 0, 2, [order(token(2))]));
  await expect(sink.commit()).rejects.toMatchObject(forGood);
  await expect(sink.compact({ everything: true })).rejects.toMatchObject(forGood);
  await sink.close();
  const next = await openSink(dataDir);
  expect(await select(next, 'SELECT count(*) FROM cdc_orders')).toEqual([[2n]]);
  await next.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

/** Has the next inserts of rows fail for want of memory; each is tried again once, without queries beside it. */
function lackMemory(times: number): void {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: never, ...args) {
    if (times === 0 || !/^INSERT INTO \S*cdc_orders\S* BY NAME/.test(args[0])) return run.apply(this, args);
    times--;
    return Promise.reject(new Error('Out of Memory Error: too much'));
  });
  onTestFinished(() => spy.mockRestore());
}

/** Commits a group of batches with one row each. @returns the number of the commit that each is of */
async function committed(batches: number, prepare: () => void): Promise<unknown[]> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  for (let n = 0; n < batches; n++) await sink.stage(await makeBatch(dataDir, 0, n, [order(token(n + 1))]));
  prepare();
  expect(await sink.commit()).toMatchObject({
    stats: { merged: batches, batches },
    positions: [{ partition: 0, nextOffset: batches }],
  });
  // What is known of duplicates, and the next group, are as after one commit.
  await sink.stage(await makeBatch(dataDir, 0, batches, [order(token(batches)), order(token(batches + 1))]));
  expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
  const commits = await select(sink, 'SELECT commit_id FROM sluice.batches ORDER BY start_offset');
  await sink.close();
  expect((await verified(dataDir)).problems).toEqual([]);
  return commits.map(([id]) => Number(id));
}

it.each([
  [0, [1, 1, 1, 2]],
  [2, [1, 1, 2, 3]],
  [4, [1, 2, 3, 4]],
])('is of as many batches as there is memory for, when there is too little %i times', async (times, commits) => {
  expect(await committed(3, () => lackMemory(times))).toEqual(commits);
});

it('is of one batch at a time while each leaves too much in memory', async () => {
  const tooMuch = vi.spyOn(CommitMemory.prototype, 'hasWrittenTooMuch');
  onTestFinished(() => tooMuch.mockRestore());
  expect(await committed(2, () => tooMuch.mockResolvedValue(true))).toEqual([1, 2, 3]);
});

it('fails for good if there is too little memory for one batch, and leaves no file', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  lackMemory(2);
  await expect(sink.commit()).rejects.toMatchObject({
    code: 'SLUICE_SINK',
    retryable: false,
    message: expect.stringMatching(/^a commit of partition 0, offsets 0 to 1, needs more memory/),
  });
  expect(parquetFiles(dataDir)).toEqual([]);
});

it('goes on after lost offsets that could not be recorded, and after those that were', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const gap = { partition: 0, startOffset: 5, nextOffset: 7 };
  await expect(sink.recordGaps([gap])).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
  expect(await sink.recordGaps([{ ...gap, startOffset: 0 }])).toMatchObject([{ partition: 0, nextOffset: 7 }]);
  await sink.stage(await makeBatch(dataDir, 0, 7, [order(token(1))]));
  await sink.commit();
  expect(await select(sink, 'SELECT kind, start_offset, commit_id FROM sluice.batches ORDER BY ALL')).toEqual([
    ['consume', 7n, 2n],
    ['gap', 0n, 1n],
  ]);
});

it('is nothing that a sink does before it is open, or after it was closed', async () => {
  const sink = new DuckDbSink(sinkOptions(temporaryDirectory()));
  const open = 'invariant broken: the sink is open';
  const batch = await makeBatch(temporaryDirectory(), 0, 0, [order(token(1))]);
  for (const _ of ['before', 'after']) {
    expect(() => sink.connect()).toThrow(open);
    expect(() => sink.replay({ specHash: '', batches: [] })).toThrow(open);
    await expect(sink.stage(batch)).rejects.toThrow(open);
    await expect(sink.commit()).rejects.toThrow(open);
    expect(await sink.compact()).toEqual(NOTHING_COMPACTED);
    await sink.close();
    await sink.open();
    await expect(sink.stage({ ...batch, nextOffset: 0 })).rejects.toThrow('a batch covers at least one offset');
    await sink.close();
  }
});
