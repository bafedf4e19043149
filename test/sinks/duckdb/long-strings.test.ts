/** Commits of more than there is memory for at once, and beside queries that take it: they take long. */
import { cpSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { QueryServer } from '../../../src/query/query-server.js';
import { RunningQueries } from '../../../src/query/running-queries.js';
import { allRows, openSql } from '../../../src/query/sql-client.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { queryFile } from '../../e2e/support.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';
import { verified } from '../../support/recovering.js';

const LIMIT = 128_000_000;
/** Takes memory that DuckDB cannot spill, until there is none. */
const GREEDY = 'SELECT len(list(a)) FROM range(100_000_000) t(a)';
/** An event of so many characters, in batches of four. */
const long = (id: string, characters: number) => order(id, { note: 'x'.repeat(characters) });
/** More than a block, less than a chunk of messages. */
const LONG = 500_000;
const SMALL_LIMIT = 64_000_000;

describe.each(['arrow', 'parquet'] as const)('commits of long strings from %s', (mergeFrom) => {
  const stage = async (sink: DuckDbSink, dataDir: string, partition: number, batch: number, ids: string[]) => {
    const values = ids.map((id) => long(id, LONG));
    await sink.stage(await makeBatch(dataDir, partition, batch * ids.length, values));
  };
  const counts = `SELECT count(*)::INTEGER, sum((length(extra) > ${LONG})::INTEGER)::INTEGER FROM cdc_orders`;

  it('keep little of them in memory, whatever the log has', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { mergeFrom, memoryLimit: SMALL_LIMIT });
    for (let batch = 0; batch < 50; batch++) {
      await stage(
        sink,
        dataDir,
        0,
        batch,
        [0, 1, 2, 3].map((i) => token(batch, i)),
      );
      await sink.commit();
    }
    await sink.close();
    expect(await queryFile(dataDir, counts)).toEqual([[200, 200]]);
  });

  it('are split if memory runs out, with the counts and positions of one', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { mergeFrom, memoryLimit: SMALL_LIMIT });
    for (let batch = 0; batch < 12; batch++) {
      // The first event of the other partition comes again in each batch.
      for (const partition of [1, 0]) {
        await stage(sink, dataDir, partition, batch, [
          token(1),
          ...[1, 2, 3].map((i) => token(partition * 100 + batch + 2, i)),
        ]);
      }
    }
    const receipt = await sink.commit();
    expect(receipt.stats).toMatchObject({ batches: 24, merged: 73, duplicate: 23 });
    expect(receipt.positions.map(({ partition, nextOffset }) => [partition, nextOffset]).sort()).toEqual([
      [0, 48],
      [1, 48],
    ]);
    const [[commits, batches]] = await select(sink, 'SELECT count(DISTINCT commit_id), count(*) FROM sluice.batches');
    expect([Number(commits) > 1, batches]).toEqual([true, 24n]);
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await queryFile(dataDir, counts)).toEqual([[73, 73]]);
  });

  it('continue after a kill that left more of them in the log than there is memory', async () => {
    const [killed, dataDir] = [temporaryDirectory(), temporaryDirectory()];
    const without = await openSink(killed, { mergeFrom });
    for (let batch = 0; batch < 20; batch++) {
      await stage(
        without,
        killed,
        0,
        batch,
        [0, 1, 2, 3, 4, 5, 6, 7].map((i) => token(batch, i)),
      );
      await without.commit();
    }
    cpSync(killed, dataDir, { recursive: true });
    expect(statSync(join(dataDir, 'analytics.db.wal')).size).toBeGreaterThan(SMALL_LIMIT);
    const sink = await openSink(dataDir, { mergeFrom, memoryLimit: SMALL_LIMIT });
    for (let batch = 20; batch < 24; batch++) {
      await stage(
        sink,
        dataDir,
        0,
        batch,
        [0, 1, 2, 3, 4, 5, 6, 7].map((i) => token(batch, i)),
      );
      await sink.commit();
    }
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await queryFile(dataDir, counts)).toEqual([[192, 192]]);
  });

  it('end with what to change if a batch alone does not fit, and nothing of it is committed', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { mergeFrom, memoryLimit: SMALL_LIMIT });
    await stage(sink, dataDir, 0, 0, [token(1)]);
    await sink.stage(await makeBatch(dataDir, 0, 1, [long(token(2), 100 * LONG)]));
    await expect(sink.commit()).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/offsets 1 to 2.*raise/),
    });
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await queryFile(dataDir, counts)).toEqual([[1, 1]]);
  });
});

describe('commits beside queries that take all memory', () => {
  it('are all made, and the queries get an error', async () => {
    const dataDir = temporaryDirectory();
    const queries = new RunningQueries();
    const sink = new DuckDbSink({ ...sinkOptions(dataDir), memoryLimit: LIMIT }, queries);
    await sink.open();
    await sink.initPositions([{ partition: 0, nextOffset: 0, reason: 'earliest' }]);
    const server = await QueryServer.start(sink, dataDir, queries);
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
