import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';

const LIMIT = 128_000_000;
/** Takes memory that DuckDB cannot spill, until there is none. */
const GREEDY = 'SELECT len(list(a)) FROM range(100_000_000) t(a)';

async function open(queries: RunningQueries) {
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: `${LIMIT}B` });
  const connection = await instance.connect();
  const memory = await CommitMemory.open(instance, queries, LIMIT);
  onTestFinished(() => {
    void memory.close();
    connection.closeSync();
    instance.closeSync();
  });
  return { connection, memory };
}

/** A query that lasts until it is ended. */
async function lasting(queries: RunningQueries): Promise<string> {
  const ending = new AbortController();
  const ended = new Promise<void>((resolve) => ending.signal.addEventListener('abort', () => resolve()));
  await queries.run(ending, () => ended);
  return ending.signal.reason.message;
}

describe('CommitMemory', () => {
  it('does the work again without queries if memory runs out, in a new transaction', async () => {
    const queries = new RunningQueries();
    const { connection, memory } = await open(queries);
    const ended = lasting(queries);
    const alone: boolean[] = [];
    await memory.write(connection, async () => {
      await connection.run('BEGIN');
      alone.push(!queries.any);
      if (queries.any) await connection.run(GREEDY);
    });
    expect(alone).toEqual([false, true]);
    expect(await ended).toMatch(/commits need the memory/);
  });

  it('does not do again what fails for another reason, and lets the queries run', async () => {
    const queries = new RunningQueries();
    const { connection, memory } = await open(queries);
    void lasting(queries);
    let times = 0;
    const work = () => {
      times++;
      return connection.run('FROM nowhere');
    };
    await expect(memory.write(connection, work)).rejects.toThrow('nowhere');
    expect([times, queries.any]).toEqual([1, true]);
    await queries.close();
  });

  it('lets a commit have more than what comes before it, and takes it back', async () => {
    const queries = new RunningQueries();
    const { connection, memory } = await open(queries);
    const limit = async () =>
      String((await connection.runAndReadAll(`SELECT current_setting('memory_limit')`)).getRows());
    expect(await memory.commit(limit)).toBe('183.1 MiB');
    expect(await limit()).toBe('122.0 MiB');
  });
});

describe('CommitMemory, with what DuckDB says of its memory,', () => {
  let said: { ALLOCATOR: number; OVERFLOW_STRINGS: number };
  /** What fails next. */
  let failures: { SELECT?: Error; SET?: Error; CHECKPOINT?: Error };
  let ran: string[];
  let queries: RunningQueries;

  const fails = (what: keyof typeof failures) => {
    const failure = failures[what];
    delete failures[what];
    if (failure !== undefined) throw failure;
  };
  const connection = {
    run: async (sql: string) => {
      fails(sql.startsWith('SET') ? 'SET' : 'CHECKPOINT');
      ran.push(sql.replace('SET memory_limit = ', ''));
    },
    runAndReadAll: async (sql: string) => {
      fails('SELECT');
      const tag = /tag = '(ALLOCATOR|OVERFLOW_STRINGS)'/.exec(sql)![1] as keyof typeof said;
      return { getRowObjects: () => [{ bytes: said[tag] }] };
    },
    closeSync: () => ran.push('closed'),
  } as unknown as DuckDBConnection;

  async function limitedTo(limit: number | undefined): Promise<CommitMemory> {
    const instance = { connect: async () => connection } as unknown as DuckDBInstance;
    return await CommitMemory.open(instance, queries, limit);
  }

  /** Runs a query until it is ended. @returns whether it was */
  function query(): () => boolean {
    let isEnded = false;
    void lasting(queries).then(() => {
      isEnded = true;
    });
    return () => isEnded;
  }

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    said = { ALLOCATOR: 0, OVERFLOW_STRINGS: 0 };
    failures = {};
    ran = [];
    queries = new RunningQueries();
  });
  afterEach(() => void vi.useRealTimers());

  it('gives a commit half of the limit more, and its long strings, and takes it back', async () => {
    said.OVERFLOW_STRINGS = 70;
    const memory = await limitedTo(101);
    expect(await memory.commit(async () => ran.push('work'))).toBe(2);
    expect(ran).toEqual(["'221B'", 'work', "'101B'"]);
    await expect(memory.commit(async () => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full');
    expect(ran.slice(3)).toEqual(["'221B'", "'101B'"]);
  });

  it('leaves all to DuckDB if there is no limit', async () => {
    said = { ALLOCATOR: 1e12, OVERFLOW_STRINGS: 1e12 };
    const memory = await limitedTo(undefined);
    const isEnded = query();
    vi.advanceTimersByTime(1000);
    expect(await memory.commit(async () => 1)).toBe(1);
    expect(await memory.hasWrittenTooMuch()).toBe(false);
    await memory.storeLongStrings(connection);
    expect([ran, isEnded()]).toEqual([[], false]);
  });

  it('takes more than half of the limit in long strings for too much of a transaction', async () => {
    const memory = await limitedTo(100);
    said.OVERFLOW_STRINGS = 50;
    expect(await memory.hasWrittenTooMuch()).toBe(false);
    said.OVERFLOW_STRINGS = 51;
    expect(await memory.hasWrittenTooMuch()).toBe(true);
  });

  it('stores more than a quarter of the limit in long strings, unless another transaction writes', async () => {
    const memory = await limitedTo(100);
    said.OVERFLOW_STRINGS = 25;
    await memory.storeLongStrings(connection);
    expect(ran).toEqual([]);
    said.OVERFLOW_STRINGS = 26;
    await memory.storeLongStrings(connection);
    expect(ran).toEqual(["'176B'", 'CHECKPOINT', "'100B'"]);
    failures.CHECKPOINT = new Error('Cannot CHECKPOINT: there are other write transactions');
    await memory.storeLongStrings(connection);
    failures.CHECKPOINT = new Error('disk full');
    await expect(memory.storeLongStrings(connection)).rejects.toThrow('disk full');
  });

  it.each([
    ['no more than half', { ALLOCATOR: 50 }, {}, false],
    ['more than half', { ALLOCATOR: 51 }, {}, true],
    ['nobody knows what', { ALLOCATOR: 0 }, { SELECT: new Error('Out of Memory') }, true],
  ])('looks at queries that allocate %s of the limit', async (_, allocated, failure, expected) => {
    const memory = await limitedTo(100);
    const isEnded = query();
    Object.assign(said, allocated);
    Object.assign(failures, failure);
    vi.advanceTimersByTime(19);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isEnded()).toBe(false);
    vi.advanceTimersByTime(1);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isEnded()).toBe(expected);
    // The same looks at the start of a commit.
    if (!expected) said.ALLOCATOR = 51;
    const next = query();
    await memory.commit(async () => {});
    expect(next()).toBe(!expected || allocated.ALLOCATOR > 50);
  });

  it('does not look when there is no query, or when it is closed', async () => {
    failures.SELECT = new Error('nobody should ask');
    const memory = await limitedTo(100);
    vi.advanceTimersByTime(1000);
    await new Promise((resolve) => setImmediate(resolve));
    expect(failures).toHaveProperty('SELECT');
    await memory.close();
    expect([ran, vi.getTimerCount()]).toEqual([['closed'], 0]);
  });

  it.each(['SELECT', 'SET'] as const)('ends the queries if there is not even memory for a %s', async (what) => {
    const memory = await limitedTo(100);
    const isEnded = query();
    failures[what] = new Error('Out of Memory');
    await memory.commit(async () => ran.push('work'));
    expect(isEnded()).toBe(true);
    expect(ran).toEqual(["'150B'", 'work', "'100B'"]);
  });
});
