/** When housekeeping does what, by a clock that stands still, and what it does although something fails. */
import { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Housekeeping } from '../../../src/sinks/ducklake/housekeeping.js';
import { HousekeepingLock } from '../../../src/sinks/ducklake/housekeeping-lock.js';
import { Joining, QUARANTINE } from '../../../src/sinks/ducklake/joining.js';
import { openLake } from '../../../src/sinks/ducklake/lake.js';
import { alone } from '../../../src/sinks/ducklake/numbered-changes.js';
import { FileOwnership } from '../../../src/sinks/ducklake/ownership.js';
import { LakeRetention } from '../../../src/sinks/ducklake/retention.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { age, HOUR_MS, retain } from '../../support/retaining.js';

const LOOK_MS = 30_000;
const EXPIRE_MS = 600_000;
const NO_ROOM = new Error('no room');

let nowMs: number;
beforeEach(() => {
  nowMs = 1e7;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return () => void vi.restoreAllMocks();
});

/** Each commit has one row, all are of one key. */
async function open(more: Partial<DuckLakeSinkOptions> = {}) {
  const options: DuckLakeSinkOptions = {
    ...lakeOptions(temporaryDirectory()),
    compaction: { afterFiles: 1, targetBytes: 1 << 20, compression: 'zstd' },
    ...more,
  };
  const sink = await openLakeSink(options);
  let next = 0;
  /** @param offsets how many the batch has, all but the first without a message */
  const commit = async (offsets = 1) => {
    const value = order(token(next + 1), { order_id: 'a', order_id_type: 'string' });
    await sink.stage(await makeLakeBatch(options, 0, next, [value], { nextOffset: next + offsets }));
    await sink.commit();
    next += offsets;
  };
  return { options, sink, commit };
}

const number = async (sink: DuckLakeSink, sql: string) => Number((await select(sink, sql))[0][0]);
const snapshots = (sink: DuckLakeSink) => number(sink, `SELECT count(*) FROM ducklake_snapshots('lake')`);
/** Up to which offset the state has the change log. */
const merged = (sink: DuckLakeSink) =>
  number(sink, 'SELECT coalesce(max(next_offset), 0) FROM (FROM sluice.merged ORDER BY generation DESC LIMIT 1)');

/** Interrupts a statement by closing: what is under way is given up. */
function closeAt(statement: RegExp, close: () => Promise<unknown>): void {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args
  ) {
    if (!statement.test(args[0])) return await run.apply(this, args);
    spy.mockRestore();
    void close();
    throw new Error('interrupted');
  });
}

describe.skipIf(whyNoExtensions() !== undefined)('housekeeping', () => {
  it('looks at the files twice a minute, and at old snapshots every ten', async () => {
    const { sink, commit } = await open();
    const joined = async () => (await sink.compact()).filesBefore;
    await commit();
    await commit();
    expect(await joined()).toBe(0);
    nowMs += LOOK_MS - 1;
    expect(await joined()).toBe(0);
    nowMs += 1;
    expect(await sink.compact()).toMatchObject({ filesBefore: 2, filesAfter: 1, left: [] });
    // The first look is for what the last run left.
    expect(await snapshots(sink)).toBe(1);
    await commit();
    expect(await joined()).toBe(0);
    nowMs += LOOK_MS;
    expect(await joined()).toBe(2);
    expect(await snapshots(sink)).toBeGreaterThan(1);
    nowMs += EXPIRE_MS - LOOK_MS;
    await commit();
    expect(await joined()).toBe(2);
    expect(await snapshots(sink)).toBeGreaterThan(1);
    nowMs += LOOK_MS;
    expect(await joined()).toBe(0);
    expect(await snapshots(sink)).toBe(1);
    await commit();
    expect((await sink.compact(true)).filesBefore).toBe(2);
    expect(await snapshots(sink)).toBe(1);
  });

  it('merges the state at once, then every five seconds, for a tenth of the time', async () => {
    const { sink, commit } = await open({ state: 'table' });
    const mergedAfter = async (milliseconds: number) => {
      nowMs += milliseconds;
      expect(await sink.compact()).toMatchObject({ filesBefore: 0, left: [] });
      return await merged(sink);
    };
    await commit(10_000);
    expect(await mergedAfter(0)).toBe(10_000);
    await commit(10_000);
    expect([await mergedAfter(0), await mergedAfter(4999)]).toEqual([10_000, 10_000]);
    const run = DuckDBConnection.prototype.run;
    const slow = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
      this: DuckDBConnection,
      ...args
    ) {
      if (/^COPY/.test(args[0])) nowMs += 1000;
      return await run.apply(this, args);
    });
    expect(await mergedAfter(1)).toBe(20_000);
    slow.mockRestore();
    await commit(10_000);
    expect([await mergedAfter(8999), await mergedAfter(1)]).toEqual([20_000, 30_000]);
    // Also a look that finds too little is one.
    await commit();
    expect(await mergedAfter(5000)).toBe(30_000);
    await commit(10_000);
    expect([await mergedAfter(4999), await mergedAfter(1)]).toEqual([30_000, 40_001]);
  });

  it('does the rest if the state, or the files, fail', async () => {
    const { options, sink, commit } = await open({ state: 'table' });
    await commit();
    await commit();
    failAt(/^COPY/, NO_ROOM);
    const left = [expect.stringMatching(/^the newest state is not merged.*no room/)];
    expect(await sink.compact(true)).toMatchObject({ filesBefore: 2, left });
    await commit();
    failAt(/ducklake_merge_adjacent_files/, NO_ROOM);
    const message = 'the housekeeping of the lake failed: no room';
    await expect(sink.compact(true)).rejects.toMatchObject({ code: 'SLUICE_SINK', message });
    expect([await snapshots(sink), await merged(sink)]).toEqual([1, 3]);
    expect(await sink.compact(true)).toMatchObject({ filesBefore: 2, left: [] });
    const ofTable = `SELECT count(*) FROM ducklake_options('lake') WHERE scope_entry = 'main.${options.spec.table}'`;
    expect(await number(sink, ofTable)).toBe(0);
  });

  it('tells what has left by its age, whatever fails', async () => {
    const { options, sink, commit } = await open({ retention: retain({ changesMs: HOUR_MS }) });
    await commit();
    await commit();
    await age(sink);
    const files = vi.spyOn(Joining.prototype, 'join').mockRejectedValue(NO_ROOM);
    const rewrite = vi.spyOn(Joining.prototype, 'rewrite').mockRejectedValueOnce(NO_ROOM);
    expect(await sink.compact()).toMatchObject({
      retired: { changes: 1, quarantined: 0 },
      left: [expect.stringMatching(/^quarantined messages that have left stay .*no room/)],
    });
    nowMs += HOUR_MS;
    await commit();
    await age(sink);
    expect(await sink.compact()).toMatchObject({
      retired: { changes: 1, quarantined: 0 },
      left: [expect.stringMatching(/^files and snapshots stay as they are for now: no room/)],
    });
    // Nothing to tell.
    await expect(sink.compact(true)).rejects.toMatchObject({ message: expect.stringMatching(/housekeeping.*no room/) });
    files.mockRestore();
    nowMs += HOUR_MS;
    await sink.compact();
    // Until it succeeds, if nothing has left since, but for those who want everything.
    const ofQuarantine = rewrite.mock.calls.filter(([table]) => table === QUARANTINE);
    expect(ofQuarantine.map(([, threshold]) => threshold)).toEqual([0.25, 0.25, 0]);
    const retire = vi.spyOn(LakeRetention.prototype, 'run').mockRejectedValueOnce(NO_ROOM);
    await commit();
    expect(await sink.compact(true)).toMatchObject({
      ...{ filesBefore: 2, filesAfter: 1, retired: { changes: 0 } },
      left: [expect.stringMatching(/^what is older than RETAIN_CHANGES .* stays for now: no room/)],
    });
    retire.mockImplementationOnce(async (_, counts) => {
      counts.quarantined++;
    });
    nowMs += HOUR_MS;
    await sink.compact();
    expect(rewrite.mock.calls.filter(([table]) => table === QUARANTINE)).toHaveLength(5);
    const ofTable = `SELECT value FROM ducklake_options('lake') WHERE scope_entry = 'main.${options.spec.table}'`;
    expect(await select(sink, ofTable)).toEqual([['0']]);
  });

  it('is left to another process, and then not asked for at each look', async () => {
    const { sink, commit } = await open({ retention: retain({ changesMs: HOUR_MS }) });
    const take = vi.spyOn(HousekeepingLock.prototype, 'take').mockResolvedValue(false);
    await commit();
    await commit();
    for (const [milliseconds, taken] of [
      [0, 1],
      [LOOK_MS - 1, 1],
      [1, 2],
      [1, 2],
    ]) {
      nowMs += milliseconds;
      expect(await sink.compact()).toMatchObject({ filesBefore: 0, left: [] });
      expect(take).toHaveBeenCalledTimes(taken);
    }
    expect(await sink.compact(true)).toMatchObject({ left: [expect.stringMatching(/^all files stay as they are/)] });
    take.mockRestore();
    expect(await sink.compact(true)).toMatchObject({ filesBefore: 2, left: [] });
  });

  it('says that snapshots stay if that is for long, or all was wanted', async () => {
    const { options, sink } = await open();
    await sink.close();
    const instance = await openLake(options);
    const ownership = new FileOwnership({ commit: 100, maxChangeSeq: undefined });
    const expires = vi.spyOn(ownership, 'whileNoneCommits').mockResolvedValue(false);
    const housekeeping = await Housekeeping.open(instance, { ...options, isShared: false }, alone(ownership));
    onTestFinished(() => instance.closeSync());
    const said = async (afterMs: number) => {
      nowMs += afterMs;
      return (await housekeeping.runIfDue()).left;
    };
    const stay = [expect.stringMatching(/^all snapshots stay as they are/)];
    expect(await said(LOOK_MS)).toEqual([]);
    expect(await said(HOUR_MS - LOOK_MS)).toEqual([]);
    expect(await said(EXPIRE_MS + 1)).toEqual(stay);
    expires.mockRestore();
    expect(await said(EXPIRE_MS + 1)).toEqual([]);
    vi.spyOn(ownership, 'whileNoneCommits').mockResolvedValue(false);
    expect(await said(EXPIRE_MS + 1)).toEqual([]);
    expect((await housekeeping.run(true)).left).toEqual(stay);
    await housekeeping.close();
    expect(await housekeeping.run(true)).toMatchObject({ filesBefore: 0, left: [] });
  });

  it.each([
    ['the state', /^COPY/],
    ['what is old', /^DELETE FROM "cdc_orders"/],
    ['files', /ducklake_merge_adjacent_files/],
  ])('gives up at the end, without a word: %s', async (_, statement) => {
    const { sink, commit } = await open({ state: 'table', retention: retain({ changesMs: HOUR_MS }) });
    for (let n = 0; n < 3; n++) await commit();
    await select(sink, 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS WHERE start_offset = 0');
    let closing: Promise<void> | undefined;
    closeAt(statement, () => {
      closing = sink.close();
      return closing;
    });
    expect(await sink.compact(true)).toMatchObject({ filesBefore: 0, left: [] });
    expect(closing).toBeDefined();
    await closing;
  });
});
