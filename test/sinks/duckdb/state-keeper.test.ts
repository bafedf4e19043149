/** When and how the keeper merges, on a database in memory and with a clock that the tests move. */
import { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';
import { migrate } from '../../../src/sinks/duckdb/ddl.js';
import { DUCKDB_LAYOUT } from '../../../src/sinks/duckdb/format.js';
import type { StateKind } from '../../../src/sinks/duckdb/settings.js';
import { StateKeeper } from '../../../src/sinks/duckdb/state-keeper.js';
import { TOPIC } from '../../support/batches.js';
import { failAt } from '../../support/failing-statement.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }));
afterEach(() => void vi.useRealTimers());

const NO_DISK = new Error('no disk');
/** Commits pause when there was none for so long. */
const PAUSE_MS = 15_000;

/** @param rows of the change log, of as many keys */
async function setUp({ rows = 0, state = 'table' as StateKind } = {}) {
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  await migrate(connection, ORDERS_SPEC, TOPIC, DUCKDB_LAYOUT, state);
  let next = 0;
  const log = (count: number) => {
    const [from, to] = [next, next + count];
    next = to;
    return connection.run(
      `INSERT INTO cdc_orders BY NAME SELECT kafka_partition: 0, kafka_offset: range, change_seq: 0,
         change_id: range::VARCHAR, order_id: range::VARCHAR, order_id_type: 's' FROM range(${from}, ${to})`,
    );
  };
  await log(rows);
  const queries = new RunningQueries();
  const memory = await CommitMemory.open(instance, queries, undefined);
  const connect = vi.spyOn(instance, 'connect');
  const keeper = await StateKeeper.open(instance, { spec: ORDERS_SPEC, queries, memory });
  const its = await connect.mock.results[0].value;
  const ran: string[] = [];
  let isOpen = false;
  let pending = 0;
  its.run = async (sql: string) => {
    ran.push(sql);
    if (sql === 'BEGIN') isOpen = true;
    pending++;
    try {
      return await DuckDBConnection.prototype.run.call(its, sql);
    } finally {
      pending--;
      if (/^(COMMIT|ROLLBACK)$/.test(sql)) isOpen = false;
    }
  };
  onTestFinished(async () => {
    await keeper?.close();
    await memory.close();
    connection.closeSync();
    instance.closeSync();
  });
  const all = async (sql: string) => (await rowsOf(connection, sql)).map((row) => Object.values(row));
  return {
    ...{ keeper: keeper!, connection, queries, memory, all, log, its, ran },
    /** Lets time pass, and what is begun then end. */
    async pass(ms = PAUSE_MS) {
      vi.advanceTimersByTime(ms);
      for (let quiet = 0; quiet < 5; quiet = isOpen || pending > 0 ? 0 : quiet + 1) await new Promise(setImmediate);
    },
    /** How many rows are in the state. */
    merged: async () => (await all('SELECT count(*)::INTEGER FROM sluice.state'))[0][0],
    begun: () => ran.filter((sql) => sql === 'BEGIN').length,
  };
}

/** Has the next merges fail. */
function lackMemory(times: number): void {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: never, ...args) {
    if (times === 0 || !args[0].startsWith('CREATE TEMP TABLE temp.parts')) return run.apply(this, args);
    times--;
    return Promise.reject(new Error('Out of Memory Error: too much'));
  });
  onTestFinished(() => spy.mockRestore());
}

const VIEW = `SELECT sql LIKE '%tail key%' FROM duckdb_views() WHERE view_name = 'orders'`;

it('there is none if the state is no table', async () => {
  const { keeper, its } = await setUp({ state: 'view' });
  expect(keeper).toBeUndefined();
  await expect(its.run('SELECT 1')).rejects.toThrow();
});

describe('the tail', () => {
  it('is merged when commits pause, also what was there at the start, and then nothing is done', async () => {
    const { keeper, pass, log, merged, begun } = await setUp({ rows: 2 });
    await pass();
    expect(await merged()).toBe(2);
    await log(1);
    keeper.committed(1);
    await pass(200);
    expect(await merged()).toBe(2);
    await pass();
    expect(await merged()).toBe(3);
    // A transaction that merges, and one that looks at the space of the state.
    expect(begun()).toBe(4);
    await pass();
    expect([begun(), keeper.takeProblem()]).toEqual([4, undefined]);
  });

  it('has what is committed while it is merged', async () => {
    const { keeper, pass, log, merged, memory } = await setUp({ rows: 2 });
    const commit = memory.commit.bind(memory);
    vi.spyOn(memory, 'commit').mockImplementationOnce(async (work) => {
      await log(1);
      keeper.committed(1);
      return await commit(work);
    });
    await pass();
    expect(await merged()).toBe(2);
    await pass();
    expect(await merged()).toBe(3);
  });

  it('is merged by one at a time', async () => {
    const { pass, merged, begun, memory } = await setUp({ rows: 2 });
    const commit = memory.commit.bind(memory);
    const meanwhile: number[] = [];
    vi.spyOn(memory, 'commit').mockImplementationOnce(async (work) => {
      vi.advanceTimersByTime(PAUSE_MS);
      await new Promise(setImmediate);
      meanwhile.push(begun());
      return await commit(work);
    });
    await pass();
    expect([meanwhile, await merged()]).toEqual([[1], 2]);
  });

  it('is merged at once, all of it, and by itself no more', async () => {
    const { keeper, pass, merged, log } = await setUp({ rows: 3 });
    await keeper.mergeAll();
    expect(await merged()).toBe(3);
    await log(1);
    keeper.committed(1);
    await pass();
    expect(await merged()).toBe(3);
    await keeper.mergeAll();
    expect(await merged()).toBe(4);
  });

  it('is merged when rows have left, after a merge that is under way', async () => {
    const { keeper, pass, merged, log, memory } = await setUp({ rows: 1 });
    const ends = vi.spyOn(memory, 'commit');
    vi.advanceTimersByTime(PAUSE_MS);
    await log(1);
    await Promise.all([keeper.rowsLeft(), pass(0)]);
    expect([await merged(), ends.mock.calls.length]).toEqual([2, 2]);
  });

  it('is nothing anymore when it closes', async () => {
    const { keeper, pass, merged, queries } = await setUp({ rows: 1 });
    // It waits for its turn.
    void queries.alone(() => new Promise(() => {}));
    await pass();
    await keeper.close();
    await pass();
    expect([await merged(), keeper.takeProblem(), vi.getTimerCount()]).toEqual([0, undefined, 0]);
    await expect(keeper.mergeAll()).rejects.toThrow('it is closed');
  });
});

describe('a merge that fails', () => {
  it.each([
    ['its rows', /^UPDATE sluice.merged SET row_id/, 'the newest state is not merged, and queries of it get slower'],
    ['its COMMIT', /^COMMIT$/, 'the newest state is not merged, and queries of it get slower'],
  ])('is told once, and tried again later: %s', async (_, statement, message) => {
    const { keeper, pass, merged, begun } = await setUp({ rows: 2 });
    failAt(statement, NO_DISK);
    await pass(300);
    expect([begun(), await merged()]).toEqual([1, 0]);
    expect(keeper.takeProblem()).toBe(`${message}: no disk`);
    expect(keeper.takeProblem()).toBeUndefined();
    await pass();
    expect(await merged()).toBe(2);
  });

  it('fails for who asked for all of it', async () => {
    const { keeper, merged } = await setUp({ rows: 2 });
    failAt(/^COMMIT$/, NO_DISK);
    await expect(keeper.mergeAll()).rejects.toMatchObject({ code: 'SLUICE_SINK' });
    await keeper.mergeAll();
    expect(await merged()).toBe(2);
  });

  describe('for want of memory', () => {
    /** How many rows each transaction may have had. @param failures of the merges of the keeper */
    const limits = (ran: readonly string[]) => ran.flatMap((sql) => /LIMIT (\d+)\)$/.exec(sql)?.[1] ?? []).map(Number);
    const FEWER = [2_000_000, 2_000_000, 1_250_000, 312_500, 78_125, 19_531, 10_000];

    it('is tried again at once with fewer rows, and with more when many went well', async () => {
      const { keeper, ran, merged } = await setUp({ rows: 120_001 });
      lackMemory(6);
      await keeper.mergeAll();
      expect(limits(ran)).toEqual([...FEWER, ...Array(9).fill(10_000), 20_000, 20_000]);
      expect(await merged()).toBe(120_001);
    });

    it('fails if some are too many', async () => {
      const { keeper, ran, merged } = await setUp({ rows: 1 });
      lackMemory(7);
      await expect(keeper.mergeAll()).rejects.toMatchObject({
        message: 'the newest state is not merged, and queries of it get slower: Out of Memory Error: too much',
      });
      expect(limits(ran)).toEqual(FEWER);
      expect(await merged()).toBe(0);
    });

    it('as it has written too much, is given up before its COMMIT', async () => {
      const { keeper, ran, merged, memory } = await setUp({ rows: 10_001 });
      vi.spyOn(memory, 'hasWrittenTooMuch').mockResolvedValue(true);
      const store = vi.spyOn(memory, 'storeLongStrings');
      await keeper.mergeAll();
      // One of the fewest rows is committed, whatever it has written.
      expect(limits(ran)).toEqual([...FEWER, 10_000]);
      expect([await merged(), store.mock.calls.length]).toEqual([10_001, 2]);
    });
  });
});

it('the view is that of the change log while the tail is long, unless that fails', async () => {
  const { keeper, pass, log, all, merged, queries } = await setUp();
  const hasState = async () => (await all(VIEW))[0][0];
  await log(1);
  keeper.committed(999_999);
  await pass(100);
  expect(await hasState()).toBe(true);
  failAt(/^CREATE OR REPLACE VIEW/, NO_DISK);
  keeper.committed(100_000);
  await pass(100);
  await pass(100);
  expect([await hasState(), keeper.takeProblem()]).toEqual([true, 'no disk']);
  await pass(100);
  expect([await hasState(), await merged()]).toEqual([false, 0]);
  await pass();
  expect(await merged()).toBe(1);
  await pass(100);
  expect(await hasState()).toBe(true);
  // As all is merged at once, too.
  keeper.committed(1_000_000);
  await pass(100);
  expect(await hasState()).toBe(false);
  await keeper.mergeAll();
  expect([await hasState(), keeper.takeProblem(), queries.any]).toEqual([true, undefined, false]);
});

it('the state is written anew where many of its rows are deleted, after a failure the next time', async () => {
  const { keeper, connection, all, memory } = await setUp({ rows: 1 });
  const last = async () => (await all('SELECT max(rowid)::INTEGER FROM sluice.state'))[0][0];
  await keeper.mergeAll();
  await connection.run(
    `INSERT INTO sluice.state BY NAME SELECT kafka_partition: 7 FROM range(100_000);
     INSERT INTO sluice.state FROM sluice.state WHERE kafka_partition = 0;
     DELETE FROM sluice.state WHERE kafka_partition = 7 OR rowid = 0`,
  );
  const isLeft = {
    message: 'the newest state is merged, but keeps the space of rows that were replaced for now: no disk',
  };
  failAt(/^INSERT INTO sluice.new_state/, NO_DISK);
  await expect(keeper.mergeAll()).rejects.toMatchObject(isLeft);
  vi.spyOn(memory, 'commit')
    .mockImplementationOnce((work) => work())
    .mockRejectedValueOnce(NO_DISK);
  await expect(keeper.mergeAll()).rejects.toMatchObject(isLeft);
  expect(await last()).toBe(100_001);
  await keeper.mergeAll();
  expect(await last()).toBe(0);
});
