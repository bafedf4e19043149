/** What leaves a lake by its age while another process, or this one, does something else, and when that fails. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import { expect, it, onTestFinished, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import type { TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { Housekeeping } from '../../../src/sinks/ducklake/housekeeping.js';
import { openParts } from '../../../src/sinks/ducklake/lake-parts.js';
import type { InTurn } from '../../../src/sinks/ducklake/numbered-changes.js';
import { LakeRetention } from '../../../src/sinks/ducklake/retention.js';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { Transactions } from '../../../src/sinks/ducklake/transactions.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { age, HOUR_MS, retain } from '../../support/retaining.js';

/** One key per text: the type of a key is a column like others. */
const WITHOUT_TYPES: TableSpec = {
  ...ORDERS_SPEC,
  columns: ORDERS_SPEC.columns.map((column) => (column.role === 'key_type' ? { ...column, role: undefined } : column)),
};

const VALUES = [
  order(token(1), { order_id: 'a', order_id_type: 'string' }),
  order(token(2), { order_id: 'a', order_id_type: 'number' }),
  '{',
];

vi.setConfig({ testTimeout: 60_000 });

describePostgres('retention of a lake', (postgres) => {
  const one = it.skipIf(whyNoExtensions() !== undefined);

  const makeOptions = async (): Promise<DuckLakeSinkOptions> => ({
    ...lakeOptions(temporaryDirectory(), `postgres:${await postgres().createDatabase()}`),
    retention: retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS }),
  });

  const openOld = async (options: DuckLakeSinkOptions): Promise<DuckLakeSink> => {
    const sink = await openLakeSink(options);
    const [{ epoch }] = await sink.claim([0]);
    await sink.stage(await makeLakeBatch(options, 0, 0, VALUES, { epoch }));
    await sink.commit();
    await age(sink);
    return sink;
  };

  const openWithTypes = async (options: DuckLakeSinkOptions) => {
    const sink = new DuckLakeSink({ ...options, spec: ORDERS_SPEC, owner: 'other' });
    onTestFinished(() => sink.close());
    await sink.open();
  };

  /** Its housekeeping, with turns as given; and the retention's connection. */
  const openHousekeeping = async (options: DuckLakeSinkOptions, inTurn: InTurn) => {
    const { instance, connection, deleteFiles, ownership } = await openParts(options);
    const connect = vi.spyOn(instance, 'connect');
    const retention = await LakeRetention.open(instance, options, { ownership, inTurn });
    const its: DuckDBConnection = await connect.mock.results[1].value;
    const housekeeping = await Housekeeping.open(
      instance,
      { ...options, isShared: ownership.isShared },
      { ownership, inTurn },
      retention,
    );
    onTestFinished(async () => {
      await housekeeping.close();
      for (const part of [ownership, deleteFiles]) part.close();
      for (const part of [connection, instance]) part.closeSync();
    });
    return { housekeeping, its };
  };

  one('no change leaves by a spec that the lake had before', async () => {
    const options = { ...(await makeOptions()), spec: WITHOUT_TYPES };
    const sink = await openOld(options);
    let turns = 0;
    const { housekeeping } = await openHousekeeping(options, async (work) => {
      // The first one is of the quarantine; of the second one the changes have been found.
      if (++turns === 2) await openWithTypes(options);
      return await work();
    });
    const left = [expect.stringMatching(/another table spec/)];
    expect(await housekeeping.run(true)).toMatchObject({ retired: { changes: 0, quarantined: 1 }, left });
    // Two more are of the quarantine's files and of snapshots.
    expect(turns).toBe(4);
    // Nor are any found.
    expect(await housekeeping.run(true)).toMatchObject({ retired: { changes: 0, quarantined: 0 }, left });
    expect(turns).toBe(6);
    expect(await select(sink, 'SELECT kafka_offset FROM orders ORDER BY ALL')).toEqual([[0n], [1n]]);
    expect(listFiles(options.dataPath).filter((path) => /retired/.test(path))).toEqual([]);
  });

  one('positions are made, and gaps recorded, when it commits nothing', async () => {
    const options = {
      ...lakeOptions(temporaryDirectory()),
      spec: WITHOUT_TYPES,
      retention: retain({ changesMs: HOUR_MS }),
    };
    const sink = await openOld(options);
    await sink.claim([2]);
    const { run } = Transactions.prototype;
    const moving: Promise<unknown>[] = [];
    let [begun, running, most] = [0, 0, 0];
    const spy = vi.spyOn(Transactions.prototype, 'run').mockImplementation(async function (
      this: Transactions,
      ...args
    ) {
      most = Math.max(most, ++running);
      if (begun++ === 0) {
        moving.push(sink.initPositions([{ partition: 2, nextOffset: 7, reason: 'earliest' }]));
        moving.push(sink.recordGaps([{ partition: 1, startOffset: 0, nextOffset: 5 }]));
      }
      // Whoever takes no turn begins now.
      await sleep(50);
      return await run.apply(this, args).finally(() => running--);
    });
    expect(await sink.compact(true)).toMatchObject({ retired: { changes: 1 }, left: [] });
    await Promise.all(moving);
    spy.mockRestore();
    // Changes, two moves, and files of the quarantine.
    expect([begun, most]).toEqual([4, 1]);
    const positions = 'SELECT partition_id, next_offset FROM sluice.positions ORDER BY ALL';
    expect(await select(sink, positions)).toEqual([
      [0, 3n],
      [1, 5n],
      [2, 7n],
    ]);
  });

  one('a pass that fails tells what has left, and keeps no table', async () => {
    const options = {
      ...lakeOptions(temporaryDirectory()),
      spec: WITHOUT_TYPES,
      retention: retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS }),
    };
    await (await openOld(options)).close();
    let turns = 0;
    const { housekeeping, its } = await openHousekeeping(options, (work) =>
      ++turns === 1 ? work() : Promise.reject(new Error('no turn')),
    );
    expect(await housekeeping.run(true)).toMatchObject({
      retired: { changes: 0, quarantined: 1 },
      left: [/^what is older.* stays for now.*no turn/, /^quarantined messages .*no turn/, /^files .*no turn/].map(
        (why) => expect.stringMatching(why),
      ),
    });
    expect(turns).toBe(4);
    expect(await rowsOf(its, 'SELECT table_name FROM duckdb_tables() WHERE temporary')).toEqual([]);
  });
});
