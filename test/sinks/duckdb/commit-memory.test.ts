import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished } from 'vitest';
import { QueryServer } from '../../../src/query/query-server.js';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { allRows, openSql } from '../../../src/query/sql-client.js';
import { CommitMemory } from '../../../src/sinks/duckdb/commit-memory.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { makeBatch, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';

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

  it('lets a commit have more than the queries, and takes it back', async () => {
    const queries = new RunningQueries();
    const { connection, memory } = await open(queries);
    const limit = async () =>
      String((await connection.runAndReadAll(`SELECT current_setting('memory_limit')`)).getRows());
    expect(await memory.commit(limit)).toBe('122.0 MiB');
    void lasting(queries);
    expect(await memory.commit(limit)).toBe('183.1 MiB');
    expect(await limit()).toBe('122.0 MiB');
    await queries.close();
  });
});

describe('commits beside queries that take all memory', () => {
  it('are all made, and the queries get an error', async () => {
    const dataDir = temporaryDirectory();
    const queries = new RunningQueries();
    const sink = new DuckDbSink({ ...sinkOptions(dataDir), memoryLimit: LIMIT }, queries);
    await sink.open();
    await sink.initPositions([{ partition: 0, nextOffset: 0, reason: 'earliest' }]);
    const server = await QueryServer.start(sink.instance, dataDir, queries);
    onTestFinished(async () => {
      await server.close();
      await sink.close();
    });
    let committing = true;
    const errors = new Set<string>();
    const greedy = [1, 2].map(async () => {
      const client = await openSql(dataDir);
      while (committing) await allRows(client, GREEDY).catch((error: Error) => errors.add(error.message.slice(0, 15)));
    });
    const ROWS = 2000;
    for (let group = 0; group < 25; group++) {
      const values = Array.from({ length: ROWS }, (_, i) => order(token(group + 1, i), { note: 'x'.repeat(500) }));
      await sink.stage(await makeBatch(dataDir, 0, group * ROWS, values));
      await sink.commit();
    }
    committing = false;
    await Promise.all(greedy);
    expect(await select(sink, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[25 * ROWS]]);
    for (const error of errors) expect(['Out of Memory E', 'the query was e']).toContain(error);
    expect(errors.size).toBeGreaterThan(0);
  });
});
