import { expect, it, vi } from 'vitest';
import type { StateKind } from '../../../src/sinks/duckdb/settings.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { mergeLakeTail } from '../../../src/sinks/ducklake/state.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { checks } from '../../../src/verify/checks.js';
import { readScope } from '../../../src/verify/ledger.js';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, readLake, takeOver } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { Random } from '../../support/random.js';
import {
  age,
  HOUR_MS,
  LEDGER,
  logOf,
  ORDERS,
  oldQuarantined,
  randomOrders,
  retain,
  staying,
} from '../../support/retaining.js';

const ALL = retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS });
const NOTHING = retain({});

async function write(
  sink: DuckLakeSink,
  options: DuckLakeSinkOptions,
  start: number,
  values: readonly string[],
  partition = 0,
) {
  const [{ epoch }] = await sink.claim([partition]);
  await sink.stage(await makeLakeBatch(options, partition, start, values, { epoch }));
  return await sink.commit();
}

async function verified(options: DuckLakeSinkOptions): Promise<{ problems: string[]; notes: string[] }> {
  const client = await readLake(options);
  const found: { problems: string[]; notes: string[] } = { problems: [], notes: [] };
  for await (const { problems, notes } of checks(client, await readScope(client, options.dataDir))) {
    found.problems.push(...problems);
    found.notes.push(...notes);
  }
  client.close();
  return found;
}

/** Deleted ones, too. */
const rowsInFiles = `SELECT sum(f.record_count)::BIGINT FROM __ducklake_metadata_lake.ducklake_data_file f
  JOIN __ducklake_metadata_lake.ducklake_table USING (table_id)
  WHERE table_name = 'cdc_orders' AND f.end_snapshot IS NULL`;

const key = { order_id: 'a', order_id_type: 'string' };

vi.setConfig({ testTimeout: 120_000 });

describePostgres('of a lake', (postgres) => {
  const makeOptions = async (where: string): Promise<DuckLakeSinkOptions> => {
    const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
    return { ...lakeOptions(temporaryDirectory(), catalog), retention: ALL };
  };
  const one = it.skipIf(whyNoExtensions() !== undefined);
  const cases: [string, StateKind, number][] = [
    ['a file', 'view', 4],
    ['Postgres', 'table', 3],
  ];

  one.each(cases)(
    'what is old leaves but for the last change of each key, with a catalog in %s and STATE=%s',
    async (where, state, rounds) => {
      const random = new Random(20_264);
      const options = { ...(await makeOptions(where)), state };
      let sink = await openLakeSink(options);
      const fullDir = temporaryDirectory();
      const full = await openSink(fullDir);
      const next = [0, 0];
      let oldTo = [0, 0];
      let left = 0;
      for (let round = 0; round < rounds; round++) {
        for (const partition of [0, 1]) {
          const values = randomOrders(random, round, partition);
          await write(sink, options, next[partition], values, partition);
          await full.stage(await makeBatch(fullDir, partition, next[partition], values));
          await full.commit();
          next[partition] += values.length;
        }
        if (round !== 1) {
          await age(sink);
          oldTo = [...next];
        }
        if (round === 2) {
          await sink.close();
          expect((await verified(options)).problems).toEqual([]);
          sink = await openLakeSink(options);
        }
        const { retired, left: problems } = await sink.compact(true);
        expect(problems).toEqual([]);
        left += retired.changes;
        expect(await logOf(sink), `round ${round}`).toEqual(staying(await logOf(full), oldTo));
        expect(await select(sink, ORDERS), `round ${round}`).toEqual(await select(full, ORDERS));
        expect(await select(sink, LEDGER)).toEqual(await select(full, LEDGER));
        expect(await oldQuarantined(sink)).toBe(0n);
      }
      expect(left).toBeGreaterThan(rounds * 3);
      await sink.close();
      const { problems, notes } = await verified(options);
      expect(problems).toEqual([]);
      expect(notes).toEqual(expect.arrayContaining([expect.stringMatching(/changes.* left because of their age/)]));
    },
  );

  one.each(['a file', 'Postgres'])('files leave with their rows, with a catalog in %s', async (where) => {
    const options = await makeOptions(where);
    const sink = await openLakeSink(options);
    const bad = Array.from({ length: 101 }, (_, n) => `{bad ${n}`);
    await write(sink, options, 0, [order(token(1), key), order(token(2), key), ...bad, '{few']);
    await write(sink, options, 104, [order(token(3), key), '{few', order(token(4), { ...key, order_id: 'b' })]);
    await age(sink);
    expect((await sink.compact(true)).retired).toEqual({ changes: 2, quarantined: 103, files: 0 });
    const files = `SELECT count(*) FROM ducklake_list_files('lake', 'cdc_orders')`;
    expect(await select(sink, files)).toEqual([[1n]]);
    expect(
      await select(sink, `SELECT count(*) FROM ducklake_list_files('lake', 'quarantine', schema => 'sluice')`),
    ).toEqual([[0n]]);
    // Nor does the catalog have them: LAKE_KEEP_SNAPSHOTS is 0.
    const tables = await select(sink, 'SELECT table_name FROM __ducklake_metadata_lake.ducklake_inlined_data_tables');
    for (const [name] of tables) {
      const dead = `SELECT count(*) FROM __ducklake_metadata_lake."${name}" WHERE end_snapshot IS NOT NULL`;
      expect(await select(sink, dead)).toEqual([[0n]]);
    }
    // What is left of a file is rewritten when that is worth it.
    await write(sink, options, 107, [order(token(5), key)]);
    await age(sink);
    expect((await sink.compact(true)).retired.changes).toBe(1);
    await sink.close();
    expect((await verified(options)).problems).toEqual([]);
    expect(await onLake(options, 'SELECT change_id FROM cdc_orders ORDER BY ALL')).toEqual([[token(4)], [token(5)]]);
    expect(await onLake(options, rowsInFiles)).toEqual([[2n]]);
  });

  one('a process that lets all stay knows what another one has let leave', async () => {
    const options = await makeOptions('Postgres');
    const other = { ...lakeOptions(temporaryDirectory(), options.catalog), dataPath: options.dataPath };
    const staying = await openLakeSink({ ...other, retention: NOTHING });
    await write(staying, other, 0, [order(token(1), key), order(token(2), key)]);
    const sink = await openLakeSink(options);
    await age(sink);
    expect((await sink.compact(true)).retired.changes).toBe(1);
    const receipt = await write(staying, other, 2, [order(token(1), key), order(token(2), key), order(token(3), key)]);
    expect(receipt.stats).toMatchObject({ merged: 1, duplicate: 2 });
    expect(await select(staying, 'SELECT order_id, change_id FROM orders')).toEqual([['a', token(3)]]);
    await sink.close();
    await staying.close();
    expect((await verified(options)).problems).toEqual([]);
  });

  one('two processes at once let each change leave once', async () => {
    const options = await makeOptions('Postgres');
    const other = { ...lakeOptions(temporaryDirectory(), options.catalog), ...options, owner: 'other' };
    const sinks = [await openLakeSink(options), await openLakeSink(other)];
    const values = Array.from({ length: 50 }, (_, n) => order(token(n + 1), key));
    await write(sinks[0], options, 0, values);
    await age(sinks[0]);
    // As if neither saw the lock of the other.
    const lock = await import('../../../src/sinks/ducklake/housekeeping-lock.js');
    const take = vi.spyOn(lock.HousekeepingLock.prototype, 'take').mockResolvedValue(true);
    const receipts = await Promise.all(sinks.map((sink) => sink.compact(true)));
    take.mockRestore();
    expect(receipts.reduce((sum, { retired }) => sum + retired.changes, 0)).toBe(49);
    expect(await select(sinks[1], 'SELECT count(*) FROM sluice.retired')).toEqual([[49n]]);
    for (const sink of sinks) await sink.close();
    expect((await verified(options)).problems).toEqual([]);
  });

  one('goes on beside the commits of another process', async () => {
    const options = await makeOptions('Postgres');
    const other = { ...lakeOptions(temporaryDirectory(), options.catalog), dataPath: options.dataPath };
    const writer = await openLakeSink({ ...other, retention: NOTHING });
    const sink = await openLakeSink({ ...options, retention: retain({ changesMs: 0, quarantineMs: 0 }) });
    await takeOver(writer);
    let isDone = false;
    const writing = (async () => {
      // Each commit repeats the last change of the one before.
      for (let n = 0; n < 6; n++) {
        await write(writer, other, 3 * n, [order(token(2 * n + 1), key), order(token(2 * n + 2), key), '{']);
        await write(writer, other, n, [order(token(2 * n + 1), key)], 1);
      }
    })().finally(() => {
      isDone = true;
    });
    const retired = { changes: 0, quarantined: 0 };
    const retire = async () => {
      const receipt = await sink.compact(true);
      expect(receipt.left).toEqual([]);
      retired.changes += receipt.retired.changes;
      retired.quarantined += receipt.retired.quarantined;
    };
    while (!isDone) await retire();
    await writing;
    await retire();
    expect(retired).toEqual({ changes: 11, quarantined: 6 });
    expect(await select(sink, 'SELECT change_id FROM cdc_orders')).toEqual([[token(12)]]);
    for (const each of [sink, writer]) await each.close();
    expect((await verified(options)).problems).toEqual([]);
  });

  one('of changes that are not in the state yet, none leaves, nor one that the state has', async () => {
    const options = { ...(await makeOptions('a file')), state: 'table' as const };
    const sink = await openLakeSink(options);
    await write(sink, options, 0, [order(token(1), key), order(token(2), key)]);
    const connection = await sink.connect();
    await connection.run('BEGIN');
    await mergeLakeTail(connection, options);
    await connection.run('COMMIT');
    connection.closeSync();
    await write(sink, options, 2, [order(token(3), key), order(token(4), key)]);
    await age(sink);
    // The tail is too short for a merge.
    expect((await sink.compact()).retired.changes).toBe(1);
    expect(await select(sink, 'SELECT kafka_offset FROM cdc_orders ORDER BY ALL')).toEqual([[1n], [2n], [3n]]);
    expect(await select(sink, 'SELECT change_id FROM orders')).toEqual([[token(4)]]);
    await sink.close();
    expect((await verified(options)).problems).toEqual([]);
    expect(listFiles(options.dataPath).filter((path) => path.endsWith('.tmp'))).toEqual([]);
  });

  one('nothing is made in a lake of which all stays', async () => {
    const options = { ...(await makeOptions('a file')), retention: NOTHING };
    const sink = await openLakeSink(options);
    await write(sink, options, 0, [order(token(1), key)]);
    await sink.compact(true);
    const found = `SELECT count(*) FROM duckdb_columns() WHERE database_name = 'lake' AND column_name LIKE '%retired%'`;
    expect([await select(sink, found), await select(sink, 'SELECT format_version FROM sluice.meta')]).toEqual([
      [[0n]],
      [[3]],
    ]);
  });
});
