import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { literal } from '../../../src/core/sql.js';
import { Housekeeping, type HousekeepingOptions } from '../../../src/sinks/ducklake/housekeeping.js';
import { connectLake, METADATA, openLake } from '../../../src/sinks/ducklake/lake.js';
import { alone } from '../../../src/sinks/ducklake/numbered-changes.js';
import { FileOwnership } from '../../../src/sinks/ducklake/ownership.js';
import { PostgresOwnership } from '../../../src/sinks/ducklake/postgres-ownership.js';
import { HOUSEKEEPING_LOCK } from '../../../src/sinks/ducklake/postgres-server.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { checks } from '../../../src/verify/checks.js';
import { readScope } from '../../../src/verify/ledger.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, readLake } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

const ROWS = 'SELECT kafka_partition, kafka_offset, change_id FROM cdc_orders ORDER BY 1, 2';

let options: DuckLakeSinkOptions;

/** Commits of two rows each, of which every second one has a repeat of the row before. */
async function commit(sink: DuckLakeSink, from: number, to: number): Promise<void> {
  const [{ epoch }] = await sink.claim([0]);
  for (let n = from; n < to; n++) {
    const values = [order(`c-${n}`), order(n % 2 === 0 ? `d-${n}` : `c-${n - 1}`)];
    await sink.stage(await makeLakeBatch(options, 0, 2 * n, values, { epoch }));
    await sink.commit();
  }
}

/** Keeps house once, beside the sinks that are open if the catalog is shared. */
async function keepHouse(choices: Partial<HousekeepingOptions> = {}): Promise<void> {
  const instance = await openLake(options);
  const isShared = options.catalog.startsWith('postgres:');
  const ownership = isShared
    ? await PostgresOwnership.open(instance, options.topic, 'housekeeper')
    : new FileOwnership({ commit: 100, maxChangeSeq: undefined });
  const housekeeping = await Housekeeping.open(
    instance,
    { ...options, isShared, ...(!isShared && { startedMs: Date.now() }), ...choices },
    alone(ownership),
  );
  try {
    await housekeeping.run(true);
  } finally {
    await housekeeping.close();
    ownership.close();
    instance.closeSync();
  }
}

async function verified(): Promise<{ problems: string[]; notes: string[] }> {
  const client = await readLake(options);
  const found: { problems: string[]; notes: string[] } = { problems: [], notes: [] };
  for await (const { problems, notes } of checks(client, await readScope(client, options.dataDir))) {
    found.problems.push(...problems);
    found.notes.push(...notes);
  }
  client.close();
  return found;
}

describe.skipIf(whyNoExtensions() !== undefined)('Housekeeping', { timeout: 120_000 }, () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('of a lake with its catalog in %s', (where) => {
      beforeEach(async () => {
        const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
        options = lakeOptions(temporaryDirectory(), catalog);
      });

      it('joins small files, with and without deleted rows, and removes what nobody needs', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 6);
        const before = await select(sink, ROWS);
        expect(before).toHaveLength(9);
        const receipt = await sink.compact(true);
        expect(receipt).toMatchObject({ filesBefore: 6, filesAfter: 1 });
        expect(receipt.bytesAfter).toBeLessThan(receipt.bytesBefore);
        expect(await select(sink, ROWS)).toEqual(before);
        expect(await select(sink, `SELECT count(*) FROM ducklake_list_files('lake', 'cdc_orders')`)).toEqual([[1n]]);
        // LAKE_KEEP_SNAPSHOTS is 0; who reads now may still need the files.
        expect(await select(sink, `SELECT count(*) FROM ducklake_snapshots('lake')`)).toEqual([[1n]]);
        expect(listFiles(join(options.dataPath, 'cdc_orders'))).toHaveLength(6);
        await commit(sink, 6, 8);
        expect(await select(sink, ROWS)).toHaveLength(12);
        await sink.close();
        expect((await verified()).problems).toEqual([]);
        await keepHouse({ keepFilesMs: 0 });
        await keepHouse({ keepFilesMs: 0 });
        expect(await onLake(options, ROWS)).toHaveLength(12);
        expect(await verified()).toMatchObject({ problems: [] });
        const stored = listFiles(join(options.dataPath, 'main'));
        expect(stored).toEqual([expect.stringMatching(/\/main\/cdc_orders\/ducklake-/)]);
        expect(listFiles(join(options.dataPath, 'cdc_orders'))).toEqual([]);
      });

      it('keeps the lake as it was for as long as is wanted', async () => {
        options = { ...options, keepSnapshotsMs: 3_600_000 };
        const sink = await openLakeSink(options);
        await commit(sink, 0, 3);
        const [[version]] = await select(sink, `SELECT max(snapshot_id) FROM ducklake_snapshots('lake')`);
        await commit(sink, 3, 6);
        await sink.close();
        await keepHouse({ keepFilesMs: 0 });
        expect(await onLake(options, `SELECT count(*)::INTEGER FROM cdc_orders AT (VERSION => ${version})`)).toEqual([
          [5],
        ]);
        expect((await verified()).problems).toEqual([]);
      });

      it('removes what DuckLake wrote and never registered, and nothing else', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 2);
        await sink.close();
        const folder = join(options.dataPath, 'main', 'cdc_orders');
        mkdirSync(folder, { recursive: true });
        const named = (milliseconds: number) => {
          const hex = milliseconds.toString(16).padStart(12, '0');
          return `ducklake-${hex.slice(0, 8)}-${hex.slice(8)}-7e98-9a3d-66a88c0b2bf9`;
        };
        const old = [named(1e12), `${named(1e12)}-delete`].map((name) => join(folder, `${name}.parquet`));
        const young = join(folder, `${named(Date.now() + 60_000)}.parquet`);
        const other = join(folder, 'ducklake-of-someone-else.parquet');
        for (const path of [...old, young, other]) writeFileSync(path, '');
        await keepHouse();
        expect([...old, young, other].filter((path) => existsSync(path))).toEqual([young, other]);
        expect(await onLake(options, ROWS)).toHaveLength(3);
      });

      it('goes on beside commits', async () => {
        const sink = await openLakeSink(options);
        let isDone = false;
        const committing = commit(sink, 0, 30).finally(() => {
          isDone = true;
        });
        let joined = 0;
        while (!isDone) joined += (await sink.compact(true)).filesBefore;
        await committing;
        expect(joined).toBeGreaterThan(10);
        expect(await select(sink, 'SELECT count(*), count(DISTINCT change_id) FROM cdc_orders')).toEqual([[45n, 45n]]);
        await sink.close();
        expect((await verified()).problems).toEqual([]);
      });

      it.runIf(where === 'Postgres')('is left to another process that is at it', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 4);
        const instance = await openLake(options);
        const other = await connectLake(instance);
        onTestFinished(() => {
          other.closeSync();
          instance.closeSync();
        });
        await other.run('BEGIN');
        const lock = `SELECT pg_advisory_xact_lock(${HOUSEKEEPING_LOCK})::text`;
        await other.run(`FROM postgres_query('${METADATA}', ${literal(lock)})`);
        expect(await sink.compact(true)).toMatchObject({
          filesBefore: 0,
          left: [expect.stringMatching(/another process, .* keeps house in this lake/)],
        });
        await other.run('ROLLBACK');
        expect(await sink.compact(true)).toMatchObject({ filesBefore: 4, filesAfter: 1, left: [] });
      });
    });
  });
});
