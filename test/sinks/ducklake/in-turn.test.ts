/** What housekeeping does in the turn of the commits, and what Postgres refuses of a transaction that it overtook. */
import { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connectLake, openLake } from '../../../src/sinks/ducklake/lake.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, takeOver } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

describe.skipIf(whyNoExtensions() !== undefined)('beside a commit that is under way', { timeout: 120_000 }, () => {
  it('housekeeping of the same process neither expires snapshots nor joins files of the quarantine', async () => {
    const options = lakeOptions(temporaryDirectory());
    const sink = await openLakeSink(options);
    for (const n of [0, 1]) await write(sink, options, 200 * n, [...Array(199).fill('{bad'), order(token(n))]);
    const statements = pauseAt(/^COMMIT$/, () => write(sink, options, 400, [order(token(3))]));
    const { paused, resume, done } = await statements;
    const compacting = sink.compact(true);
    // It joins what no commit changes.
    await vi.waitFor(
      () => expect(paused).toContainEqual(expect.stringMatching(/^CALL .*_merge_.*'cdc_orders'/)),
      60_000,
    );
    const isBeside = /^CALL ducklake_(expire_snapshots|(merge_adjacent|rewrite_data)_files\('lake', 'quarantine')/;
    expect(paused.filter((sql) => isBeside.test(sql))).toEqual([]);
    resume();
    await done;
    expect((await compacting).left).toEqual([]);
    expect(paused.filter((sql) => isBeside.test(sql))).toHaveLength(2);
    expect(paused.findIndex((sql) => isBeside.test(sql))).toBeGreaterThan(paused.indexOf('COMMIT'));
    expect(await select(sink, 'SELECT count(*)::INTEGER FROM sluice.quarantine')).toEqual([[398]]);
  });

  describePostgres('of another process', (postgres) => {
    const makeOptions = async () => {
      const catalog = `postgres:${await postgres().createDatabase()}`;
      const options = lakeOptions(temporaryDirectory(), catalog);
      return [options, { ...lakeOptions(temporaryDirectory(), catalog), dataPath: options.dataPath, owner: 'other' }];
    };

    it('snapshots stay', async () => {
      const [options, other] = await makeOptions();
      const [sink, writer] = [await openLakeSink(options), await openLakeSink(other)];
      const { resume, done } = await pauseAt(/^COMMIT$/, () => write(writer, other, 0, [order(token(1))]));
      expect((await sink.compact(true)).left).toEqual([expect.stringMatching(/^all snapshots stay as they are/)]);
      resume();
      await done;
      expect((await sink.compact(true)).left).toEqual([]);
      const snapshots = 'SELECT count(*)::INTEGER FROM __ducklake_metadata_lake.ducklake_snapshot';
      expect(await select(sink, snapshots)).toEqual([[1]]);
    });

    it('a program may write without rights on what is of Sluice, and to a lake that was made anew', async () => {
      const [options, other] = await makeOptions();
      await (await openLakeSink(options)).close();
      const dsn = options.catalog.replace('postgres:', '');
      await postgres().query(dsn, 'CREATE ROLE program LOGIN; GRANT ALL ON SCHEMA public TO program');
      await postgres().query(dsn, 'GRANT ALL ON ALL TABLES IN SCHEMA public TO program');
      const instance = await openLake({ ...other, catalog: options.catalog.replace(/user=\S+/, 'user=program') });
      const connection = await connectLake(instance);
      await connection.run('CREATE TABLE main.others AS SELECT 1 AS x');
      connection.closeSync();
      instance.closeSync();
      await postgres().query(dsn, 'UPDATE sluice.last_snapshot SET snapshot_id = 5000');
      await postgres().query(dsn, 'DROP TRIGGER sluice_check_commit ON ducklake_snapshot_changes');
      const sink = await openLakeSink(other);
      await write(sink, other, 0, [order(token(1))]);
      expect(await select(sink, 'SELECT x FROM main.others')).toEqual([[1]]);
    });

    it('a commit is made anew if the number of its snapshot was given already', async () => {
      const [options, other] = await makeOptions();
      const writer = await openLakeSink(options);
      const instance = await openLake(other);
      const connection = await connectLake(instance);
      await connection.run('CREATE TABLE main.others (x INTEGER)');
      const { paused, resume, done } = await pauseAt(/^COMMIT$/, () => write(writer, options, 0, [order(token(1))]));
      for (const x of [1, 2]) await connection.run(`INSERT INTO main.others VALUES (${x})`);
      await connection.run(`CALL ducklake_expire_snapshots('lake', older_than => now())`);
      resume();
      await done;
      expect(paused.filter((sql) => sql === 'COMMIT')).toHaveLength(2);
      connection.closeSync();
      instance.closeSync();
      const [[last, given]] = await select(
        writer,
        `SELECT max(snapshot_id), (SELECT snapshot_id FROM __ducklake_metadata_lake.sluice.last_snapshot)
         FROM __ducklake_metadata_lake.ducklake_snapshot`,
      );
      expect(given).toBe(last);
      expect(await select(writer, 'SELECT count(*)::INTEGER, max(next_offset) FROM sluice.batches')).toEqual([[1, 1n]]);
    });
  });
});

async function write(
  sink: DuckLakeSink,
  options: DuckLakeSinkOptions,
  start: number,
  values: readonly string[],
): Promise<void> {
  const [{ epoch }] = await takeOver(sink, [0]);
  await sink.stage(await makeLakeBatch(options, 0, start, values, { epoch }));
  await sink.commit();
}

interface Paused {
  /** What was run since work began, by all connections. */
  readonly paused: readonly string[];
  resume(): void;
  /** Settles as work does. */
  readonly done: Promise<void>;
}

/** Does work until it comes to a statement. */
async function pauseAt(statement: RegExp, work: () => Promise<void>): Promise<Paused> {
  const run = DuckDBConnection.prototype.run;
  const paused: string[] = [];
  let isPaused = false;
  let resume!: () => void;
  const resumed = new Promise<void>((resolve) => {
    resume = resolve;
  });
  let done!: Promise<void>;
  await new Promise<void>((resolve) => {
    const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
      this: DuckDBConnection,
      ...args
    ) {
      if (!isPaused && statement.test(args[0])) {
        isPaused = true;
        resolve();
        await resumed;
      }
      paused.push(args[0]);
      return await run.apply(this, args);
    });
    onTestFinished(() => spy.mockRestore());
    done = work();
  });
  return { paused, resume, done };
}
