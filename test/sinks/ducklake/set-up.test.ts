/** Runs the SQL that docs/lake.md has for Postgres. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openLake } from '../../../src/sinks/ducklake/lake.js';
import { COMMIT_LOCK, withLock } from '../../../src/sinks/ducklake/postgres-server.js';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

const DOCUMENT = readFileSync(fileURLToPath(new URL('../../../docs/lake.md', import.meta.url)), 'utf8');

/** The SQL of a section, statement by statement. */
function statements(section: string): string[] {
  const [text] = DOCUMENT.split(`\n## ${section}\n`)[1].split('\n## ');
  return [...text.matchAll(/^```sql\n(.*?)^```/gms)].flatMap(([, sql]) =>
    sql.split(/;\s*$/m).filter((one) => /\S/.test(one)),
  );
}

describe.skipIf(whyNoExtensions() !== undefined)('a lake that is set up as docs/lake.md says', () => {
  describePostgres(
    'with a Postgres that asks for passwords',
    (postgres) => {
      it('is made by a role that owns its database only, and watched by the queries for it', async () => {
        const admin = await postgres().createDatabase();
        for (const sql of statements('Set-up')) await postgres().query(admin, sql);
        const lake = `host=127.0.0.1 port=${postgres().port} user=lake password=change-me dbname=lake`;
        const options = lakeOptions(temporaryDirectory(), `postgres:${lake}`);
        const sink = await openLakeSink(options);
        await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(1)), order(token(2))], { epoch: 1 }));
        await sink.commit();
        const [owners, last, commits, connections] = await Promise.all(
          statements('What to watch').map((sql) => postgres().query(lake, sql)),
        );
        expect(owners).toEqual([expect.stringMatching(/^test\|2\|2\|/)]);
        expect(last).toEqual([expect.stringMatching(/^2\|/)]);
        expect(commits.map((row) => row.split('|').at(-1))).toEqual([
          'cdc_orders 0: 0–2',
          'cdc_orders 0: begins at–0, 1: begins at–0',
        ]);
        expect(connections.length).toBeGreaterThan(1);
      });

      it('has its trigger made anew by a newer release, and left alone by an older one', async () => {
        const dsn = await postgres().createDatabase();
        const options = lakeOptions(temporaryDirectory(), `postgres:${dsn}`);
        const open = async () => {
          await (await openLakeSink(options)).close();
          const source = "SELECT prosrc LIKE '%another release%' FROM pg_proc WHERE proname = 'check_commit'";
          return (await postgres().query(dsn, source))[0];
        };
        const replace = async (version: string) => {
          const comment = `COMMENT ON TRIGGER sluice_check_commit ON ducklake_snapshot_changes IS ${version}`;
          await postgres().query(
            dsn,
            `CREATE OR REPLACE FUNCTION sluice.check_commit() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN /* another release */ RETURN NEW; END'; ${comment}`,
          );
        };
        expect(await open()).toBe('f');
        await replace("'version 99'");
        expect(await open()).toBe('t');
        await replace('NULL');
        expect(await open()).toBe('f');
      });

      it('keeps its lock for as long as a commit works', async () => {
        const dsn = await postgres().createDatabase();
        const instance = await openLake(lakeOptions(temporaryDirectory(), `postgres:${dsn}`));
        const locking = await instance.connect();
        onTestFinished(() => {
          locking.closeSync();
          instance.closeSync();
        });
        const isFree = async () => (await postgres().query(dsn, `SELECT pg_try_advisory_lock(${COMMIT_LOCK})`))[0];
        const lock = (work: () => Promise<string>) =>
          withLock(locking, COMMIT_LOCK, { waitMs: 1000, standstillMs: 300 }, work);
        const working = async () => {
          await sleep(1200);
          return await isFree();
        };
        expect(await lock(working)).toBe('f');
        // A process that stands still asks nothing of the server, and loses it.
        const blocked = () => {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1200);
          return isFree();
        };
        expect(await lock(blocked)).toBe('t');
      });
    },
    { password: true },
  );
});
