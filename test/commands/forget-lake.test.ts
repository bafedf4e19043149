/** A key leaves a lake: its rows, its quarantined messages, and its bytes in all files and in the catalog. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { forget } from '../../src/commands/forget.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { LakeForget } from '../../src/sinks/ducklake/forget.js';
import { withApplicationName } from '../../src/sinks/ducklake/settings.js';
import type { DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { order, select, temporaryDirectory } from '../support/batches.js';
import { CliProcess } from '../support/cli.js';
import { rowsNow, verifies } from '../support/configured.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';

/** The greatest key, so that statistics have it. */
const KEY = 'zz-planted-4711';
/** The greatest amount, of a row of this key. */
const AMOUNT = 98_765;
/** As Postgres shows bytes. */
const HEX = Buffer.from(KEY).toString('hex');
const SPEC = parseSpec(
  JSON.stringify({
    ...JSON.parse(specJson(ORDERS_SPEC)),
    expectations: [{ name: 'positive', column: 'amount', range: { min: '0' }, action: 'quarantine' }],
  }),
  'of the test',
);
const log = createLogger({ level: 'silent', format: 'json' });

let options: DuckLakeSinkOptions;
let env: Record<string, string>;

const of = (key: string, changeId: string, fields = {}) =>
  order(changeId, { order_id: key, order_id_type: 'string', ...fields });

async function written(): Promise<void> {
  const sink = await openLakeSink({ ...options, state: 'table' });
  const [{ epoch = 0 }] = await sink.claim([0]);
  let offset = 0;
  const commit = async (values: string[]) => {
    await sink.stage(await makeLakeBatch(options, 0, offset, values, { epoch }));
    await sink.commit();
    offset += values.length;
  };
  const odd = (key: string, changeId: string) => of(key, changeId, { amount: -1 });
  await commit([of(KEY, 'a'), of(KEY, 'b'), of('C2', 'c'), odd(KEY, 'd'), odd('C2', 'e'), `{"order_id":"${KEY}`]);
  await sink.compact(true);
  // Duplicates, and enough quarantined messages for a file of their own.
  await commit([of(KEY, 'a'), of('C2', 'f'), of(KEY, 'g', { amount: AMOUNT })]);
  await commit(Array.from({ length: 150 }, (_, n) => (n % 2 === 0 ? odd(KEY, `h${n}`) : odd('C2', `h${n}`))));
  await sink.close();
  // As a killed process leaves it.
  mkdirSync(join(options.dataDir, '.spill'), { recursive: true });
  writeFileSync(join(options.dataDir, '.spill', 'duckdb_temp_storage_DEFAULT-0.tmp'), KEY);
}

const forgetting = (dryRun = false) => forget(readConfig(env, false), log, KEY, dryRun);

/** As DuckLake has it in the names of its files. */
async function uuidNow(): Promise<string> {
  const instance = await DuckDBInstance.create();
  const [[uuid]] = (await (await instance.connect()).runAndReadAll('SELECT uuidv7()::VARCHAR')).getRows();
  instance.closeSync();
  return String(uuid);
}

/** What the catalog has of the greatest amount. */
const OF_AMOUNT = `SELECT count(*) > 0 FROM __ducklake_metadata_lake.ducklake_table_column_stats
  WHERE max_value LIKE '${AMOUNT}%'`;

/** Files that have the key's bytes. */
function planted(): string[] {
  const { dataDir } = options;
  return listFiles(dataDir)
    .filter((path) => readFileSync(path).includes(KEY))
    .map((path) => relative(dataDir, path));
}

describe.skipIf(whyNoExtensions() !== undefined)('on a lake', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with its catalog in %s', (where) => {
      let database: string;
      beforeEach(async () => {
        const dataDir = temporaryDirectory();
        database = await postgres().createDatabase();
        const catalog = where === 'a file' ? undefined : `postgres:${database}`;
        options = { ...lakeOptions(dataDir, catalog), spec: SPEC, keepSnapshotsMs: 86_400_000 };
        env = {
          ...{ DATA_DIR: dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake', PARQUET_COMPRESSION: 'none' },
          DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
          ...(catalog !== undefined && { LAKE_CATALOG: catalog }),
        };
        await written();
      });

      it('leaves nothing of it, and verify agrees', async () => {
        expect(planted().length).toBeGreaterThan(2);
        expect(await rowsNow(env, OF_AMOUNT)).toEqual([[true]]);
        expect(await forgetting(true)).toMatch(
          /^3 rows of cdc_orders and 77 messages in the quarantine are of the key/,
        );
        const text = await forgetting();
        expect(text).toMatch(/^forgotten: 3 rows, 77 quarantined messages; [1-9]\d* files rewritten/);
        expect(text).toContain('the next run merges it again');
        expect(planted()).toEqual([]);
        expect(await rowsNow(env, OF_AMOUNT)).toEqual([[false]]);
        await verifies(env);
        expect(await rowsNow(env, 'SELECT order_id, count(*)::INTEGER FROM cdc_orders GROUP BY ALL')).toEqual([
          ['C2', 2],
        ]);
        expect(await rowsNow(env, 'SELECT count(*)::INTEGER FROM sluice.quarantine')).toEqual([[76]]);
        expect(
          await rowsNow(env, 'SELECT rows_merged::INTEGER, rows_quarantined::INTEGER FROM sluice.forgotten'),
        ).toEqual([[3, 77]]);
        expect(await rowsNow(env, 'SELECT count(*)::INTEGER FROM orders')).toEqual([[1]]);
        if (where === 'Postgres') {
          const tables = await postgres().query(
            database,
            `SELECT format('SELECT %L FROM %s t WHERE t::text ~ %L', relname, oid::regclass, '${KEY}|${HEX}')
             FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'sluice'::regnamespace)`,
          );
          expect(await postgres().query(database, tables.join(' UNION ALL '))).toEqual([]);
        }
        // To do it again finds nothing, and the run goes on.
        expect(await forgetting()).toMatch(/^forgotten: 0 rows, 0 quarantined messages/);
        const sink = await openLakeSink({ ...options, state: 'table' });
        const [{ epoch = 0 }] = await sink.claim([0]);
        await sink.stage(await makeLakeBatch(options, 0, 159, [of('C3', 'c'), of('C3', 'i')], { epoch }));
        expect((await sink.commit()).stats).toMatchObject({ merged: 1, duplicate: 1 });
        await sink.compact(true);
        // What the catalog says of the table is not of the new rows alone.
        expect(await select(sink, `SELECT count(*)::INTEGER FROM cdc_orders WHERE order_id = 'C2'`)).toEqual([[2]]);
        await sink.close();
        await verifies(env);
      });

      it('does the rest when it was killed after its transaction', async () => {
        const forgets = await LakeForget.open({ ...options, key: KEY, keyHash: 'x', isOfKey: () => false });
        expect(await forgets.commit()).toBe(3);
        await forgets.close();
        expect(planted()).not.toEqual([]);
        // Others were killed while they copied the catalog, and in the middle of a replay.
        const { dataDir } = options;
        mkdirSync(join(dataDir, '.replay', 'of-4711'), { recursive: true });
        const ofFile = where === 'a file' ? ['.catalog.ducklake.new-4711', '.catalog.ducklake.new-4711.wal'] : [];
        for (const name of [...ofFile, '.replay/of-4711/x.parquet']) writeFileSync(join(dataDir, name), KEY);
        expect(await forgetting()).toMatch(/^forgotten: 0 rows, 77 quarantined messages; [1-9]\d* files/);
        expect(planted()).toEqual([]);
        await verifies(env);
      });

      it('forgets all of it in the end, whenever it is killed', { timeout: 120_000 }, async () => {
        const args = ['forget', '--key', KEY];
        const signals: unknown[] = [];
        for (let kills = 1; kills <= 2; kills++) {
          const before = new Set(listFiles(options.dataDir));
          const killed = await CliProcess.start(args, { env });
          let isOver = false;
          const ended = killed.ended.finally(() => {
            isOver = true;
          });
          // The first ones are of the transaction, the next ones of what is written anew after it.
          while (!isOver && listFiles(options.dataDir).filter((file) => !before.has(file)).length < kills * 2)
            await sleep(1);
          killed.kill('SIGKILL');
          signals.push((await ended).signal);
          await verifies(env);
        }
        expect(signals).toContain('SIGKILL');
        await forgetting();
        expect(planted()).toEqual([]);
        const forgotten = 'SELECT sum(rows_merged)::INTEGER, sum(rows_quarantined)::INTEGER FROM sluice.forgotten';
        expect(await rowsNow(env, forgotten)).toEqual([[3, 77]]);
        await verifies(env);
      });

      it.runIf(where === 'Postgres')('is refused while anybody else is connected', async () => {
        const others = (name: string) => ({ ...options, catalog: withApplicationName(options.catalog, name) });
        const locked = (name: string) => ({
          code: 'SLUICE_LOCKED',
          message: expect.stringMatching(new RegExp(`^${name} at .* is connected to the catalog: stop all`)),
        });
        for (const name of ['sluice', 'sluice forget']) {
          const sink = await openLakeSink(others(name));
          await expect(forgetting()).rejects.toMatchObject(locked(name));
          await sink.close();
        }
        expect(await rowsNow(env, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[5]]);

        // One that comes during it.
        const forgets = await LakeForget.open({ ...options, key: KEY, keyHash: 'x', isOfKey: () => false });
        const sink = await openLakeSink(others('late'));
        const uncommitted = join(options.dataPath, 'main', 'cdc_orders', `ducklake-${await uuidNow()}.parquet`);
        writeFileSync(uncommitted, '');
        await expect(forgets.run()).rejects.toMatchObject(locked('late'));
        await sink.close();
        expect(await forgets.run()).toMatchObject({ rows: 0 });
        await forgets.close();
        expect(existsSync(uncommitted)).toBe(true);
        rmSync(uncommitted);
        await verifies(env);
      });
    });
  });
});
