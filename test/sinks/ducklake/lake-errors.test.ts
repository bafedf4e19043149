/** What is said when a lake cannot be opened, and that nothing says its password. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../../src/core/errors.js';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, s3LakeOptions } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { describeS3 } from '../../support/s3.js';

const PASSWORD = /it's secret|it\\+'s|hunter2/;
const HELD = `const { DuckDBInstance } = require('@duckdb/node-api');
DuckDBInstance.create(process.argv[1]).then(() => { console.log('held'); setInterval(() => {}, 1000); });`;

describe.skipIf(whyNoExtensions() !== undefined)('a lake that cannot be opened', () => {
  it('has a catalog in a file that another process holds, or that is none', async () => {
    const options = lakeOptions(temporaryDirectory());
    const holder = spawn(process.execPath, ['-e', HELD, options.catalog], { stdio: ['ignore', 'pipe', 'inherit'] });
    onTestFinished(() => void holder.kill('SIGKILL'));
    await once(holder.stdout, 'data');
    const locked = await refusalOf(options);
    expect(locked).toMatchObject({ code: 'SLUICE_LOCKED' });
    expect(locked.message).toContain('catalog.ducklake is held by another process: stop it');
    const damaged = lakeOptions(temporaryDirectory());
    writeFileSync(damaged.catalog, 'x'.repeat(20_000));
    const refusal = await refusalOf(damaged);
    expect(refusal).toMatchObject({ code: 'SLUICE_LAKE' });
    expect(refusal.message).toMatch(/^the catalog .* cannot be opened: .*is not a valid DuckDB database file/);
  });

  it('has no extension, and none can be downloaded', async () => {
    const extensionDirectory = join(temporaryDirectory(), 'extensions');
    mkdirSync(extensionDirectory);
    const refusal = await refusalOf({ ...lakeOptions(temporaryDirectory()), extensionDirectory });
    expect(refusal).toMatchObject({ code: 'SLUICE_LAKE' });
    expect(refusal.message).toMatch(/^DuckDB's extension ducklake cannot be loaded: let DuckDB download it, with/);
    expect(refusal.message).not.toContain('Failed to download');
  });

  it('has files elsewhere, another topic, or a newer format', async () => {
    const options = lakeOptions(temporaryDirectory());
    const sink = await openLakeSink(options);
    await sink.close();
    const elsewhere = await refusalOf({ ...options, dataPath: `${options.dataPath}2` });
    expect(elsewhere).toMatchObject({ code: 'SLUICE_CONFIG' });
    expect(elsewhere.message).toBe(
      `the lake has its files in ${options.dataPath}, LAKE_DATA_PATH is ${options.dataPath}2: ` +
        'a lake stays where it was made',
    );
    expect(await refusalOf({ ...options, topic: 'other' })).toMatchObject({
      code: 'SLUICE_CONFIG',
      message: 'DATA_DIR holds the topic cdc_orders, KAFKA_TOPIC is other: one data directory has one topic',
    });
    const again = await openLakeSink(options);
    await select(again, 'UPDATE sluice.meta SET format_version = 99');
    await again.close();
    const newer = await refusalOf(options);
    expect(newer).toMatchObject({ code: 'SLUICE_CONFIG' });
    expect(newer.message).toContain('has format 99');
  });

  describePostgres(
    'with its catalog in Postgres',
    (postgres) => {
      it('has a wrong password, or no database', async () => {
        const dsn = await postgres().createDatabase();
        const wrong = await refusalOf(
          lakeOptions(temporaryDirectory(), `postgres:${dsn.replace(/password=.*(?= dbname)/, 'password=hunter2')}`),
        );
        expect(wrong).toMatchObject({ code: 'SLUICE_LAKE', retryable: false });
        expect(wrong.message).toContain(
          'the catalog in Postgres cannot be opened: connection to server at "127.0.0.1"',
        );
        expect(wrong.message).toContain('password authentication failed for user "sluice"');
        expect(JSON.stringify(wrong.toMessage())).not.toMatch(PASSWORD);
        const missing = await refusalOf(lakeOptions(temporaryDirectory(), `postgres:${dsn}x`));
        expect(missing.message).toMatch(/database "test_\d+x" does not exist/);
        expect(JSON.stringify(missing.toMessage())).not.toMatch(PASSWORD);
      });

      it('has a catalog of another version', async () => {
        const dsn = await postgres().createDatabase();
        const options = lakeOptions(temporaryDirectory(), `postgres:${dsn}`);
        await (await openLakeSink(options)).close();
        await postgres().query(dsn, "UPDATE ducklake_metadata SET value = '7.0' WHERE key = 'version'");
        const refusal = await refusalOf(options);
        expect(refusal).toMatchObject({ code: 'SLUICE_LAKE', retryable: false });
        expect(refusal.message).toContain(
          "has DuckLake's version 7.0, this DuckDB's extension reads 1.0: use the release",
        );
      });

      it('shows no query its password', async () => {
        const uri = (await postgres().createDatabase()).replace(
          /^host=(\S+) port=(\d+) user=(\S+) password='.*' dbname=(\S+)$/,
          "postgres://$3:it's%20secret@$1:$2/$4",
        );
        const sink = await openLakeSink(lakeOptions(temporaryDirectory(), uri));
        const shown = await select(
          sink,
          `SELECT (SELECT list(d) FROM duckdb_databases() d)::VARCHAR,
             (SELECT list(s) FROM duckdb_secrets() s)::VARCHAR,
             (SELECT list(s) FROM duckdb_settings() s)::VARCHAR`,
        );
        expect(String(shown)).toMatch(/user=\\?'sluice/);
        expect(String(shown)).toContain('password=redacted');
        expect(String(shown)).not.toMatch(PASSWORD);
        await expect(select(sink, 'FROM duckdb_secrets(redact = false)')).rejects.toThrow(/redact/);
        await expect(select(sink, 'SET allow_unredacted_secrets = true')).rejects.toThrow();
      });

      describeS3('and its files in S3', (s3) => {
        it('has no bucket, or no server', async () => {
          const options = s3LakeOptions(
            s3().endpoint,
            's3://missing/lake',
            `postgres:${await postgres().createDatabase()}`,
          );
          const missing = await refusalOf(options);
          expect(missing).toMatchObject({ code: 'SLUICE_LAKE', retryable: false });
          expect(missing.message).toMatch(/^LAKE_DATA_PATH=s3:\/\/missing\/lake cannot be reached: .*NoSuchBucket/);
          const gone = s3LakeOptions(
            '127.0.0.1:1',
            's3://missing/lake',
            `postgres:${await postgres().createDatabase()}`,
          );
          expect((await refusalOf(gone)).message).toMatch(/cannot be reached: .*Could not connect/);
        });

        it('commits, waits for S3, and gives up what nobody registered', { timeout: 120_000 }, async () => {
          const dsn = await postgres().createDatabase();
          const options = s3LakeOptions(s3().endpoint, `s3://${await s3().createBucket()}/lake`, `postgres:${dsn}`);
          const sink = await openLakeSink(options);
          const [{ epoch }] = await sink.claim([0]);
          const batch = (start: number, ids: string[]) =>
            makeLakeBatch(
              options,
              0,
              start,
              ids.map((id) => order(id)),
              { epoch },
            );
          const first = await batch(0, ['a', 'b', 'a']);
          expect(first.file?.bytes).toBeGreaterThan(1000);
          await sink.stage(first);
          expect(await sink.commit()).toMatchObject({ stats: { merged: 2, duplicate: 1 } });
          await sink.stage(await batch(3, ['c', 'b']));
          s3().stop();
          onTestFinished(() => s3().start());
          await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_LAKE', patienceMs: 600_000 });
          await expect(batch(5, ['d'])).rejects.toMatchObject({ code: 'SLUICE_LAKE', patienceMs: 600_000 });
          await s3().start();
          expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
          const orphan = await batch(5, ['d']);
          await sink.claim([0]);
          const scheduled = 'SELECT path FROM ducklake_files_scheduled_for_deletion';
          expect(await postgres().query(dsn, scheduled)).toEqual([orphan.file?.path]);
          await select(sink, "CALL ducklake_cleanup_old_files('lake', cleanup_all => true)");
          expect(await select(sink, `FROM glob('${options.dataPath}/cdc_orders/**')`)).toHaveLength(2);
          expect(await select(sink, 'SELECT change_id FROM cdc_orders ORDER BY 1')).toEqual([['a'], ['b'], ['c']]);
        });
      });
    },
    { password: true },
  );
});

async function refusalOf(options: DuckLakeSinkOptions): Promise<SluiceError> {
  const sink = new DuckLakeSink(options);
  const thrown = await sink.open().then(
    () => sink.close(),
    (error) => error,
  );
  expect(thrown).toBeInstanceOf(SluiceError);
  return thrown as SluiceError;
}
