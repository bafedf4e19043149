/** The commands on a lake. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { compact } from '../../src/commands/compact.js';
import { openAt, openConfigured } from '../../src/commands/open-sql.js';
import { recover } from '../../src/commands/recover.js';
import { readStanding } from '../../src/commands/status.js';
import { verify } from '../../src/commands/verify.js';
import { type Config, readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { QueryServer } from '../../src/query/query-server.js';
import { allRows } from '../../src/query/sql-client.js';
import { registeredFiles, scheduledFiles } from '../../src/sinks/ducklake/registered-files.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { order, temporaryDirectory } from '../support/batches.js';
import { CliProcess, runCli } from '../support/cli.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';
import { Random } from '../support/random.js';

const COUNT = 'SELECT count(*)::INTEGER AS n FROM cdc_orders';
const log = createLogger({ level: 'warn', format: 'json' });

let options: DuckLakeSinkOptions;
let env: Record<string, string>;
let config: Config;

async function commit(sink: DuckLakeSink, from: number, to: number): Promise<void> {
  const [{ epoch }] = await sink.claim([0]);
  for (let n = from; n < to; n++) {
    await sink.stage(await makeLakeBatch(options, 0, 2 * n, [order(`c-${n}`), order(`c-${n - 1}`)], { epoch }));
    await sink.commit();
  }
}

async function rowsNow(sql: string): Promise<Record<string, unknown>[]> {
  const client = await openConfigured(config);
  try {
    return await allRows(client, sql);
  } finally {
    client.close();
  }
}

async function rowsAt(at: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = await openAt(config, { at, timeZone: 'UTC' });
  try {
    return await allRows(client, sql);
  } finally {
    client.close();
  }
}

async function verified(): Promise<string> {
  let text = '';
  await verify(config, {
    ...{ kafka: false, log },
    write: async (more) => {
      text += more;
    },
  });
  return text;
}

describe.skipIf(whyNoExtensions() !== undefined)('on a lake', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with its catalog in %s', (where) => {
      beforeEach(async () => {
        const dataDir = temporaryDirectory();
        const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
        options = lakeOptions(dataDir, catalog);
        env = {
          ...{ DATA_DIR: dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake', LAKE_KEEP_SNAPSHOTS: '1h' },
          DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
          ...(catalog !== undefined && { LAKE_CATALOG: catalog }),
        };
        config = readConfig(env, false);
      });

      it('query, verify and compact make none', async () => {
        const missing = { code: 'SLUICE_CONFIG', message: expect.stringMatching(/no lake yet/) };
        await expect(openConfigured(config)).rejects.toMatchObject(missing);
        await expect(verified()).rejects.toMatchObject(missing);
        await expect(compact(config, { rewrite: false, log })).rejects.toMatchObject(missing);
        await expect(openConfigured(config)).rejects.toMatchObject(missing);
      });

      it('query reads it, as it is and as it was', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 2);
        const [{ version, at }] = (
          await onNowOrShared(sink, `SELECT max(snapshot_id) AS version, max(snapshot_time)::VARCHAR AS at`)
        ).slice(0, 1);
        await commit(sink, 2, 4);
        await sink.close();
        expect(await rowsNow(COUNT)).toEqual([{ n: 5 }]);
        expect(await rowsAt(String(version), COUNT)).toEqual([{ n: 3 }]);
        expect(await rowsAt(String(at), COUNT)).toEqual([{ n: 3 }]);
        for (const wrong of ['999', '2020-01-01', 'yesterday']) {
          await expect(rowsAt(wrong, COUNT)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
        }
        // The snapshot that has offset 5 of partition 0: the first whose range ends after it.
        const found = await rowsNow(`SELECT snapshot_id, commit_message FROM lake.snapshots(),
            unnest(from_json(commit_extra_info,
              '{"partitions": [{"partition": "INTEGER", "next": "BIGINT"}]}').partitions) m(move)
          WHERE author = 'sluice' AND move.partition = 0 AND move.next > 5 ORDER BY snapshot_id LIMIT 1`);
        expect(found).toEqual([{ snapshot_id: String(Number(version) + 1), commit_message: 'cdc_orders 0: 4–6' }]);
      });

      it('query and verify go through the process that runs on the data directory', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 2);
        const server = await QueryServer.start(sink, options.dataDir);
        onTestFinished(() => server.close());
        expect(await rowsNow(COUNT)).toEqual([{ n: 3 }]);
        const client = await openConfigured(config);
        expect(client.live).toBe(true);
        client.close();
        expect(await verified()).toMatch(/everything agrees/);
        const [{ version }] = await rowsNow(`SELECT max(snapshot_id) AS version FROM ducklake_snapshots('lake')`);
        await commit(sink, 2, 3);
        expect(await rowsNow(`${COUNT} AT (VERSION => ${version})`)).toEqual([{ n: 3 }]);
        if (where === 'Postgres') expect(await rowsAt(String(version), COUNT)).toEqual([{ n: 3 }]);
        else await expect(rowsAt(String(version), COUNT)).rejects.toThrow('AT (VERSION =>');
        await server.close();
        await sink.close();
      });

      it.skipIf(where === 'Postgres')('query writes Parquet that others read', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 2);
        await sink.close();
        const path = join(temporaryDirectory(), 'orders.parquet');
        const { code, stderr } = await runCli(['query', '--output', path, 'FROM cdc_orders'], { env });
        expect([code, stderr]).toEqual([0, '']);
        const differing =
          '(FROM cdc_orders EXCEPT ALL FROM written) UNION ALL (FROM written EXCEPT ALL FROM cdc_orders)';
        const sql = `WITH written AS (FROM read_parquet('${path}')) SELECT (SELECT count(*) FROM written)::INTEGER AS n,
          (SELECT count(*) FROM (${differing}))::INTEGER AS differing`;
        expect(await rowsNow(sql)).toEqual([{ n: 3, differing: 0 }]);
      });

      it('query changes nothing', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 2);
        await sink.close();
        const before = await rowsNow(`SELECT max(snapshot_id) FROM ducklake_snapshots('lake')`);
        for (const sql of [
          `FROM ducklake_merge_adjacent_files('lake')`,
          'FROM lake.merge_adjacent_files()',
          `FROM ducklake_expire_snapshots('lake', older_than => now())`,
          `FROM ducklake_cleanup_old_files('lake', cleanup_all => true)`,
          `FROM ducklake_delete_orphaned_files('lake', cleanup_all => true)`,
          `FROM ducklake_set_option('lake', 'target_file_size', '1MB')`,
          `FROM postgres_query('__ducklake_metadata_lake', 'SELECT 1')`,
          `FROM postgres_execute('__ducklake_metadata_lake', 'SELECT 1')`,
        ]) {
          await expect(rowsNow(sql)).rejects.toThrow('is not allowed: a query must only read');
        }
        expect(await rowsNow(`FROM ducklake_table_info('lake')`)).not.toEqual([]);
        expect(await rowsNow(`FROM ducklake_list_files('lake', 'cdc_orders')`)).toHaveLength(2);
        const changes = await rowsNow(`FROM lake.table_changes('cdc_orders', 0, ${Object.values(before[0])[0]})`);
        expect(changes.length).toBeGreaterThan(2);
        expect(await rowsNow(`SELECT max(snapshot_id) FROM ducklake_snapshots('lake')`)).toEqual(before);
        // Each query opens the lake.
      }, 120_000);

      it.runIf(where === 'a file')('cannot be read while another process has the file of the catalog', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 1);
        const held = await runCli(['query', COUNT], { env });
        expect(held.code).toBe(3);
        expect(held.stderr).toContain('SLUICE_LOCKED');
        await sink.close();
        const free = await runCli(['query', COUNT], { env });
        expect(free.stdout).toBe('n\n2\n');
      });

      it('compact joins small files, and recover has nothing to do', async () => {
        const sink = await openLakeSink(options);
        await commit(sink, 0, 4);
        await sink.close();
        expect(await compact(config, { rewrite: false, log })).toMatchObject({ filesBefore: 4, filesAfter: 1 });
        await expect(compact(config, { rewrite: true, log })).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
        expect(await rowsNow(COUNT)).toEqual([{ n: 5 }]);
        const { files, fileBytes } = await readStanding(config, false, log);
        expect([files, fileBytes]).toEqual([expect.any(Number), expect.any(Number)]);
        expect(await verified()).toMatch(/everything agrees/);
        for (const fromParquet of [true, false]) {
          await expect(recover(config, { fromParquet, removeUncounted: false }, () => {})).rejects.toMatchObject({
            code: 'SLUICE_CONFIG',
            message: expect.stringMatching(/nothing to recover in a lake/),
          });
        }
      });

      it('compact can be killed at any moment', { timeout: 240_000 }, async () => {
        const random = new Random(Number(process.env.LAKE_SEED ?? 7));
        let committed = 0;
        let killed = 0;
        for (let round = 0; round < 8; round++) {
          const sink = await openLakeSink(options);
          await commit(sink, committed, committed + 3);
          committed += 3;
          await sink.close();
          const compacting = await CliProcess.start(['compact'], { env });
          // Not for longer than it takes.
          await Promise.race([sleep(300 + random.next() * 2500), compacting.ended]);
          compacting.kill('SIGKILL');
          if ((await compacting.ended).code !== 0) killed++;
          expect(await verified()).toMatch(/everything agrees/);
          expect(await rowsNow(COUNT)).toEqual([{ n: committed + 1 }]);
        }
        console.log(`${killed} of 8 killed`);
        expect(killed).toBeGreaterThan(0);
        // A process that started after those that were killed: it removes what they left.
        expect(await runCli(['compact'], { env })).toMatchObject({ code: 0 });
        expect(await verified()).toMatch(/everything agrees/);
        if (where === 'Postgres') return;
        const known = await onLake(
          options,
          `SELECT file FROM ${registeredFiles(options.dataPath)} UNION FROM ${scheduledFiles(options.dataPath)}`,
        );
        const names = new Set(known.map(([file]) => file));
        const strays = listFiles(options.dataPath).filter((path) => !names.has(path));
        expect(strays).toEqual([expect.stringMatching(/\/lake\/sluice-lake-[0-9a-f-]+\.json$/)]);
      });
    });
  });
});

async function onNowOrShared(sink: DuckLakeSink, select: string): Promise<Record<string, unknown>[]> {
  const connection = await sink.connect();
  try {
    return (await connection.runAndReadAll(`${select} FROM ducklake_snapshots('lake')`)).getRowObjects();
  } finally {
    connection.closeSync();
  }
}
