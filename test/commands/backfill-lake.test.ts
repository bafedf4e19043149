/** A promoted column of a lake has after the backfill what it would have had from the start: all of it, or nothing. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { backfill } from '../../src/commands/backfill.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { specJson, type TableSpec } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { LakeBackfill } from '../../src/sinks/ducklake/backfill.js';
import type { DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { order, temporaryDirectory } from '../support/batches.js';
import { CliProcess } from '../support/cli.js';
import { rowsNow, verifies } from '../support/configured.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';

const log = createLogger({ level: 'silent', format: 'json' });
const LEVEL = { name: 'level', path: 'customer.level', kind: 'int64' };
const FEE = { name: 'fee', kind: 'amount', raw: 'fee_raw' };
const grown = (...columns: object[]) => {
  const { columns: known, ...names } = JSON.parse(specJson(ORDERS_SPEC)) as { columns: object[] };
  return JSON.stringify({ ...names, columns: [...known, ...columns] });
};
const BOTH = grown(LEVEL, FEE);

const level = (value: unknown) => ({ customer: { id: 'c', level: value } });
const BATCHES: [partition: number, start: number, values: string[]][] = [
  [0, 0, [order('a', level(1)), order('b', level('high')), '{', order('c', { ...level(2), fee: '$1.50' })]],
  [0, 4, [order('d', { customer: { level: null, vip: true } }), order('a', level(7))]],
  [1, 0, [order('e'), order('f', { ...level(3), operation: 'snapshot_begin' }), order('g', { fee: 'much' })]],
  [1, 3, [order('h', { status: 7, ...level('3.0') }), order('i', { fee: 2.123456 })]],
];

const COLUMNS =
  'change_id, level, fee::DOUBLE, fee_raw, extra, issues::INTEGER, kafka_partition, kafka_offset::INTEGER';
const ROWS = `SELECT ${COLUMNS} FROM cdc_orders ORDER BY kafka_partition, kafka_offset`;
const VIEW = `SELECT ${COLUMNS} FROM orders ORDER BY change_id`;
const ISSUES = `SELECT partition_id, start_offset::INTEGER, rows_with_issues::INTEGER FROM sluice.batches ORDER BY ALL`;

interface Lake {
  readonly options: DuckLakeSinkOptions;
  readonly env: Record<string, string>;
}

function lakeOf(catalog: string | undefined): Lake {
  const dataDir = temporaryDirectory();
  const file = join(dataDir, 'spec.json');
  writeFileSync(file, BOTH);
  const options = { ...lakeOptions(dataDir, catalog), keepSnapshotsMs: 86_400_000 };
  const env = {
    ...{ DATA_DIR: dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake', TABLE_SPEC: file },
    DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
    ...(catalog !== undefined && { LAKE_CATALOG: catalog }),
  };
  return { options, env };
}

async function written({ options }: Lake, spec: TableSpec, more: typeof BATCHES = []): Promise<void> {
  const of = { ...options, spec };
  const sink = await openLakeSink({ ...of, state: 'table' });
  const epochs = new Map((await sink.claim([0, 1])).map(({ partition, epoch = 0 }) => [partition, epoch]));
  for (const [partition, start, values] of [...BATCHES, ...more]) {
    await sink.stage(await makeLakeBatch(of, partition, start, values, { epoch: epochs.get(partition) }));
    await sink.commit();
  }
  await sink.compact(true);
  await sink.close();
}

const backfilled = ({ env }: Lake, name: string) => backfill(readConfig(env, false), name, log);

describe.skipIf(whyNoExtensions() !== undefined)('a backfill of a lake', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with its catalog in %s', (where) => {
      const newLake = async () =>
        lakeOf(where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`);
      let lake: Lake;
      beforeEach(async () => {
        lake = await newLake();
      });

      it('makes rows as if the column had been there', { timeout: 120_000 }, async () => {
        const calm = await newLake();
        await written(lake, ORDERS_SPEC);
        await written(calm, parseSpec(BOTH, 'test'));
        expect(await backfilled(lake, 'level')).toEqual({ values: 3, issues: 1, unread: 0 });
        expect(await backfilled(lake, 'fee')).toEqual({ values: 1, issues: 2, unread: 0 });
        for (const sql of [ROWS, VIEW, ISSUES])
          expect(await rowsNow(lake.env, sql)).toEqual(await rowsNow(calm.env, sql));
        await verifies(lake.env);
        expect(await backfilled(lake, 'level')).toEqual({ values: 0, issues: 0, unread: 0 });
        // The run goes on, and merges the state again.
        const sink = await openLakeSink({ ...lake.options, spec: parseSpec(BOTH, 'test'), state: 'table' });
        const [{ epoch = 0 }] = await sink.claim([0]);
        const values = [order('j', level(9)), order('a', level(1))];
        await sink.stage(
          await makeLakeBatch({ ...lake.options, spec: parseSpec(BOTH, 'test') }, 0, 6, values, { epoch }),
        );
        expect((await sink.commit()).stats).toMatchObject({ merged: 1, duplicate: 1 });
        await sink.compact(true);
        await sink.close();
        await verifies(lake.env);
        expect(await rowsNow(lake.env, 'SELECT sum(level)::INTEGER FROM cdc_orders')).toEqual([[1 + 2 + 3 + 9]]);
      });

      it('has changed nothing, or all, when it was killed', { timeout: 120_000 }, async () => {
        const many = Array.from({ length: 3000 }, (_, index) => order(`m${index}`, level(index)));
        await written(lake, ORDERS_SPEC, [[0, 6, many]]);
        const counts = async () => {
          const table = 'SELECT count(*)::INTEGER AS rows FROM cdc_orders';
          const [[has]] = await rowsNow(
            lake.env,
            `SELECT count(*)::INTEGER FROM duckdb_columns() WHERE table_name = 'cdc_orders' AND column_name = 'level'`,
          );
          return has === 0 ? 0 : Number((await rowsNow(lake.env, `${table} WHERE level IS NOT NULL`))[0][0]);
        };
        const signals: unknown[] = [];
        for (let kills = 0; kills < 2; kills++) {
          const known = new Set(listFiles(lake.options.dataPath));
          const killed = await CliProcess.start(['backfill', 'level'], { env: lake.env });
          let isOver = false;
          const ended = killed.ended.finally(() => {
            isOver = true;
          });
          // The file of the rows is being written, or deletes after it.
          const isWriting = () =>
            listFiles(lake.options.dataPath).filter((file) => !known.has(file)).length > kills % 2;
          while (!isOver && !isWriting()) await sleep(1);
          killed.kill('SIGKILL');
          signals.push((await ended).signal);
          expect([0, 3003]).toContain(await counts());
          await verifies(lake.env);
        }
        expect(signals).toContain('SIGKILL');
        const { values } = await backfilled(lake, 'level');
        expect([0, 3003]).toContain(values);
        expect(await counts()).toBe(3003);
        await verifies(lake.env);
      });

      it.runIf(where === 'Postgres')('is refused while anybody else is connected', { timeout: 90_000 }, async () => {
        const locked = {
          code: 'SLUICE_LOCKED',
          message: expect.stringMatching(/is connected to the catalog: stop all .* backfill, and start them again/),
        };
        const columns = async () =>
          await rowsNow(lake.env, `SELECT column_name FROM duckdb_columns() WHERE table_name = 'cdc_orders'`);
        const sink = await openLakeSink(lake.options);
        const before = await columns();
        await expect(backfilled(lake, 'level')).rejects.toMatchObject(locked);
        expect(await columns()).toEqual(before);
        // Another one with the new spec does not get in the way, either.
        const spec = parseSpec(BOTH, 'test');
        await (await openLakeSink({ ...lake.options, spec })).close();
        expect(await columns()).not.toEqual(before);
        const [{ epoch = 0 }] = await sink.claim([0]);
        const values = [order('a', level(1)), order('b', level(2))];
        await sink.stage(await makeLakeBatch(lake.options, 0, 0, values, { epoch }));
        expect((await sink.commit()).stats).toMatchObject({ merged: 2 });
        await sink.close();

        // One that comes during it.
        const column = spec.columns.find(({ name }) => name === 'level')!;
        const backfills = await LakeBackfill.open({ ...lake.options, spec, column, pageBytes: 1 << 20 });
        const read = join(lake.options.dataDir, 'read.parquet');
        await onLake(
          lakeOptions(temporaryDirectory()),
          `COPY (SELECT 1::BIGINT AS level, 0 AS kafka_partition, 0::BIGINT AS kafka_offset, NULL::VARCHAR AS extra,
             0::UBIGINT AS issues) TO '${read}'`,
        );
        const files = listFiles(lake.options.dataPath);
        const late = await openLakeSink({ ...lake.options, spec });
        await expect(backfills.commit([read])).rejects.toMatchObject(locked);
        expect(listFiles(lake.options.dataPath)).toEqual(files);
        await late.close();
        backfills.close();
        expect(await backfilled(lake, 'level')).toEqual({ values: 2, issues: 0, unread: 0 });
        await verifies(lake.env);
      });

      // What differs in Postgres, narrowed-statistics.test.ts tests.
      it.runIf(where === 'a file')(
        'leaves no clear text of columns with masks in the files of the newest snapshot',
        {
          timeout: 60_000,
        },
        async () => {
          const phone = (id: string) =>
            order(id, { zz: { phone: `zz-secret-${id}` }, yy: { phone: `yy-secret-${id}` } });
          const others = Array.from({ length: 60 }, (_, index) => order(`n${index}`));
          await written(lake, ORDERS_SPEC, [[0, 6, [phone('x'), phone('y'), ...others]]]);
          const columns = [
            { name: 'phone', path: 'zz.phone', kind: 'text', mask: 'redact' },
            { name: 'yy', kind: 'json' },
          ];
          const masks = [{ path: 'yy.phone', mask: 'redact' }];
          writeFileSync(lake.env.TABLE_SPEC, JSON.stringify({ ...JSON.parse(grown(...columns)), masks }));
          await expect(backfilled(lake, 'phone')).rejects.toThrow(/^the table spec has masks: MASK_KEY_FILE/);
          lake.env.MASK_KEY_FILE = join(lake.options.dataDir, 'mask.key');
          writeFileSync(lake.env.MASK_KEY_FILE, randomBytes(32).toString('hex'), { mode: 0o600 });
          const clear = async (text: string) => {
            const files: unknown[] = [];
            for (const of of [`'cdc_orders'`, `'state', schema => 'sluice'`]) {
              const listed = await onLake(lake.options, `SELECT data_file FROM ducklake_list_files('lake', ${of})`);
              for (const [file] of listed) {
                const sql = `SELECT count(*) FROM read_parquet('${file}') f WHERE contains(f::VARCHAR, '${text}')`;
                if ((await onLake(lake.options, sql))[0][0] !== 0n) files.push(file);
              }
            }
            return files;
          };
          const inCatalog = `SELECT count(*) > 0 FROM __ducklake_metadata_lake.ducklake_table_column_stats
          JOIN (FROM __ducklake_metadata_lake.ducklake_table WHERE end_snapshot IS NULL) USING (table_id)
          WHERE concat(min_value, max_value) LIKE '%zz-secret%'`;
          expect(await clear('zz-secret')).toHaveLength(2);
          expect(await rowsNow(lake.env, inCatalog)).toEqual([[true]]);
          expect(await backfilled(lake, 'phone')).toEqual({ values: 2, issues: 0, unread: 0 });
          expect(await clear('zz-secret')).toEqual([]);
          expect(await rowsNow(lake.env, inCatalog)).toEqual([[false]]);
          expect(await clear('yy-secret')).toHaveLength(1);
          expect(await backfilled(lake, 'yy')).toEqual({ values: 2, issues: 0, unread: 0 });
          expect(await clear('yy-secret')).toEqual([]);
          expect(await rowsNow(lake.env, 'SELECT DISTINCT phone, yy FROM cdc_orders ORDER BY ALL')).toEqual([
            ['***', '{"phone":"***"}'],
            [null, null],
          ]);
          await verifies(lake.env);
        },
      );
    });
  });
});
