import { setTimeout } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { DeleteFiles } from '../../../src/sinks/ducklake/delete-files.js';
import type { CommitInfo, LastCommit, Outcome } from '../../../src/sinks/ducklake/ownership.js';
import { doneAgain, Transactions } from '../../../src/sinks/ducklake/transactions.js';
import { TOPIC, temporaryDirectory } from '../../support/batches.js';

/** Conflicts wait, which takes no time here. */
vi.mock('node:timers/promises', () => ({ setTimeout: vi.fn() }));
beforeEach(() => {
  vi.mocked(setTimeout).mockClear();
});

const LAST: LastCommit = { commit: 6, maxChangeSeq: undefined };
const MOVES = [{ partition: 3, epoch: 1, start: 10, next: 20 }];
const INFO: CommitInfo = { topic: TOPIC, commit: 7, partitions: MOVES, maxChangeSeq: '99' };
const LOST = 'the answer was lost';

/** Transactions of a database that has, of a lake, only its function for messages. The test is its catalog. */
async function setUp(maxConflicts?: number) {
  const instance = await DuckDBInstance.create();
  const [connection, other] = [await instance.connect(), await instance.connect()];
  onTestFinished(() => {
    for (const each of [connection, other]) each.closeSync();
    instance.closeSync();
  });
  await connection.run(`ATTACH ':memory:' AS lake; CREATE TABLE lake.log (n INTEGER);
    CREATE MACRO lake.set_commit_message(author, message, extra_info := NULL) AS TABLE SELECT extra_info`);
  const deleteFiles = new DeleteFiles(other, temporaryDirectory(), ORDERS_SPEC);
  const [restore, forget] = [vi.spyOn(deleteFiles, 'restore'), vi.spyOn(deleteFiles, 'forget')];
  const ownership = {
    exclusively: <T>(work: (last: LastCommit) => Promise<T>) => work(LAST),
    committed: vi.fn(),
    outcomeOf: vi.fn<() => Promise<Outcome>>().mockResolvedValue('open'),
  };
  const closing = new AbortController();
  const transactions = new Transactions(connection, ownership, deleteFiles, TOPIC, closing.signal, maxConflicts);
  const write = vi.fn(async (_: LastCommit) => {
    await connection.run('INSERT INTO lake.log VALUES (1)');
    return 'written';
  });
  const run = () => transactions.run(MOVES, 99n, write);
  const rows = async () => Number((await rowsOf(other, 'SELECT count(*) AS rows FROM lake.log'))[0].rows);
  /** What comes instead of the answer to the next COMMIT, which takes effect. */
  const loseAnswer = (message = LOST) => {
    const original = connection.run.bind(connection);
    const spy = vi.spyOn(connection, 'run').mockImplementation(async (...args) => {
      const result = await original(...args);
      if (args[0] !== 'COMMIT') return result;
      spy.mockRestore();
      throw new Error(message);
    });
  };
  return { connection, ownership, closing, restore, forget, write, run, rows, loseAnswer };
}

it('puts back delete files that could not be put back, before anything else', async () => {
  const { restore, write, run } = await setUp();
  write.mockRejectedValue(new Error(LOST));
  restore.mockRejectedValueOnce(new Error('the store is down'));
  await expect(run()).rejects.toThrow(LOST);
  restore.mockRejectedValueOnce(new Error('the store is still down'));
  await expect(run()).rejects.toThrow('the store is still down');
  expect(write).toHaveBeenCalledTimes(1);
  write.mockRejectedValue(new Error('SLUICE_FENCED: partition 1'));
  await expect(run()).rejects.toThrow('another process has taken over');
  expect(restore).toHaveBeenCalledTimes(3);
  // All is where it should be.
  await expect(run()).rejects.toThrow('another process has taken over');
  expect(restore).toHaveBeenCalledTimes(3);
});

it('says what it committed, and asks for nothing', async () => {
  const { connection, ownership, restore, forget, write, run, rows } = await setUp();
  const statements = vi.spyOn(connection, 'run');
  expect(await run()).toBe('written');
  expect(await run()).toBe('written');
  expect(write).toHaveBeenCalledWith(LAST);
  expect(ownership.committed.mock.calls).toEqual([[INFO], [INFO]]);
  expect(statements).toHaveBeenCalledWith(expect.stringContaining(JSON.stringify(INFO)));
  expect(forget).toHaveBeenCalledTimes(2);
  expect(restore).not.toHaveBeenCalled();
  expect(ownership.outcomeOf).not.toHaveBeenCalled();
  expect(await rows()).toBe(2);
});

it('has no sequence without a row', async () => {
  const { ownership, restore } = await setUp();
  const deleteFiles = { restore, forget: () => {} } as unknown as DeleteFiles;
  const connection = { run: async () => {} } as never;
  const transactions = new Transactions(connection, ownership, deleteFiles, TOPIC, new AbortController().signal);
  await transactions.run(MOVES, undefined, async () => {});
  expect(ownership.committed).toHaveBeenCalledWith({ ...INFO, maxChangeSeq: null });
});

describe('when another process is faster', () => {
  it.each(['TransactionContext Error: conflict', 'SLUICE_OVERTAKEN: commit 7'])('is done anew: %s', async (message) => {
    const { ownership, restore, write, run, rows } = await setUp();
    write.mockRejectedValueOnce(new Error(message));
    expect(await run()).toBe('written');
    expect(write).toHaveBeenCalledTimes(2);
    expect(await rows()).toBe(1);
    // It took no effect, for sure.
    expect(restore).not.toHaveBeenCalled();
    expect(ownership.outcomeOf).not.toHaveBeenCalled();
  });

  it('waits longer each time, up to a bound, and then fails', async () => {
    const { write, run, rows, ownership } = await setUp(8);
    vi.spyOn(Math, 'random').mockReturnValue(0.25);
    onTestFinished(() => void vi.mocked(Math.random).mockRestore());
    write.mockRejectedValue(new Error('conflict'));
    await expect(run()).rejects.toThrow('conflict');
    expect(vi.mocked(setTimeout).mock.calls).toEqual([15, 30, 60, 120, 240, 480, 960, 960].map((ms) => [ms]));
    expect(ownership.outcomeOf).toHaveBeenCalledTimes(1);
    expect(await rows()).toBe(0);
  });

  it('does nothing anew once the sink closes', async () => {
    const { closing, write, run } = await setUp();
    write.mockRejectedValue(new Error('conflict'));
    closing.abort();
    await expect(run()).rejects.toThrow('conflict');
    expect(write).toHaveBeenCalledTimes(1);
  });

  it('of which the catalog says that it was done, is not done anew', async () => {
    const { closing, ownership, write, run } = await setUp();
    write.mockRejectedValue(new Error('conflict'));
    closing.abort();
    ownership.outcomeOf.mockResolvedValue('committed');
    expect(await run()).toBeUndefined();
  });
});

describe('when the answer to a COMMIT is lost', () => {
  it('is done if the catalog says so', async () => {
    const { ownership, restore, forget, run, rows, loseAnswer } = await setUp();
    ownership.outcomeOf.mockResolvedValue('committed');
    loseAnswer();
    expect(await run()).toBeUndefined();
    expect(await rows()).toBe(1);
    expect(ownership.committed.mock.calls).toEqual([[INFO]]);
    expect(forget).not.toHaveBeenCalled();
    // After the failure, and when it is known that the catalog may name them.
    expect(restore).toHaveBeenCalledTimes(2);
    // Nothing is in doubt anymore.
    expect(await run()).toBe('written');
    expect(ownership.outcomeOf).toHaveBeenCalledTimes(1);
    expect(restore).toHaveBeenCalledTimes(2);
  });

  it.each<[string, Outcome | undefined]>([
    ['cannot be asked', undefined],
    ['does not have it yet', 'open'],
  ])('is in doubt while the catalog %s, and not done twice', async (_, first) => {
    const { ownership, write, run, rows, loseAnswer } = await setUp();
    if (first === undefined) ownership.outcomeOf.mockRejectedValueOnce(new Error('the catalog is down'));
    loseAnswer();
    await expect(run()).rejects.toThrow(LOST);
    ownership.outcomeOf.mockResolvedValue('committed');
    expect(await run()).toBeUndefined();
    expect(write).toHaveBeenCalledTimes(1);
    expect(await run()).toBe('written');
    expect(ownership.outcomeOf).toHaveBeenCalledTimes(2);
    expect(await rows()).toBe(2);
  });

  it('is done again if the catalog says that it was not done', async () => {
    const { ownership, write, run, rows } = await setUp();
    write.mockRejectedValueOnce(new Error(LOST));
    await expect(run()).rejects.toThrow(LOST);
    expect(await run()).toBe('written');
    expect(ownership.outcomeOf).toHaveBeenCalledTimes(2);
    expect(ownership.committed).toHaveBeenCalledTimes(1);
    expect(await rows()).toBe(1);
  });

  it('is lost if someone has taken over since', async () => {
    const { ownership, write, run } = await setUp();
    write.mockRejectedValue(new Error(LOST));
    await expect(run()).rejects.toThrow(LOST);
    ownership.outcomeOf.mockResolvedValue('fenced');
    const fenced = {
      code: 'SLUICE_FENCED',
      message: expect.stringContaining(`taken over partitions of ${TOPIC} since`),
    };
    await expect(run()).rejects.toMatchObject(fenced);
    expect(write).toHaveBeenCalledTimes(1);
    await expect(run()).rejects.toMatchObject({ ...fenced, cause: expect.objectContaining({ message: LOST }) });
    expect(write).toHaveBeenCalledTimes(2);
  });
});

it('that could not be tried may have been done before', async () => {
  const { ownership, run, write } = await setUp();
  vi.spyOn(ownership, 'exclusively').mockRejectedValue(new Error('no lock'));
  ownership.outcomeOf.mockResolvedValue('committed');
  expect(await run()).toBeUndefined();
  expect(ownership.committed).not.toHaveBeenCalled();
  expect(write).not.toHaveBeenCalled();
});

describe('when the catalog refuses it', () => {
  const REFUSAL = 'SLUICE_FENCED: partition 31';

  it('names the partition that someone has taken over', async () => {
    const { ownership, write, run } = await setUp();
    write.mockRejectedValue(new Error(REFUSAL));
    await expect(run()).rejects.toMatchObject({
      code: 'SLUICE_FENCED',
      message: expect.stringContaining(`taken over ${TOPIC} partition 31 since`),
    });
    ownership.outcomeOf.mockRejectedValue(new Error('the catalog is down'));
    await expect(run()).rejects.toThrow('the catalog is down');
  });

  it('may be refused because it was done before', async () => {
    const { ownership, write, run } = await setUp();
    write.mockRejectedValue(new Error(REFUSAL));
    ownership.outcomeOf.mockResolvedValue('committed');
    expect(await run()).toBeUndefined();
  });
});

it('rolls back what failed, and says why, even if the connection is gone', async () => {
  const { connection, ownership, write, run, rows } = await setUp();
  write.mockImplementationOnce(async () => {
    await connection.run('INSERT INTO lake.log VALUES (1)');
    throw new Error('no space');
  });
  await expect(run()).rejects.toThrow('no space');
  expect(await run()).toBe('written');
  expect(await rows()).toBe(1);
  write.mockRejectedValueOnce(new Error('no space again'));
  vi.spyOn(connection, 'run').mockImplementation(async (sql) => {
    if (sql === 'ROLLBACK') throw new Error('no connection');
    return undefined as never;
  });
  await expect(run()).rejects.toThrow('no space again');
  expect(ownership.committed).toHaveBeenCalledTimes(1);
});

it('does not ask about work that finds by being done again what it did', async () => {
  const { ownership, run, write } = await setUp();
  ownership.outcomeOf.mockResolvedValue('committed');
  const again = doneAgain(ownership);
  expect(await again.outcomeOf(MOVES)).toBe('open');
  again.committed(INFO);
  expect(ownership.committed).toHaveBeenCalledWith(INFO);
  expect(await again.exclusively(async (last) => last)).toBe(LAST);
  expect(await run()).toBe('written');
  expect(write).toHaveBeenCalledTimes(1);
});
