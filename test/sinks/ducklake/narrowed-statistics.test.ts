/** Bounds of a table that are set anew hide no row of a commit beside it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { openAlone } from '../../../src/sinks/ducklake/alone.js';
import { connectLake, METADATA, openLake } from '../../../src/sinks/ducklake/lake.js';
import { closeParts, type LakeParts } from '../../../src/sinks/ducklake/lake-parts.js';
import { narrowStatistics } from '../../../src/sinks/ducklake/narrowed-statistics.js';
import type { DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';

const ADVICE = 'narrow again';
const COMMITTED = { code: 'SLUICE_LOCKED', message: `another process has committed: stop it, ${ADVICE}` };
const CONNECTED = { code: 'SLUICE_LOCKED', message: expect.stringMatching(/ is connected to the catalog: stop all/) };

describe.skipIf(whyNoExtensions() !== undefined)('narrowed statistics', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with the catalog in %s', (where) => {
      const isShared = where === 'Postgres';
      let options: DuckLakeSinkOptions;
      let parts: LakeParts;

      beforeEach(async () => {
        const catalog = isShared ? `postgres:${await postgres().createDatabase()}` : undefined;
        options = lakeOptions(temporaryDirectory(), catalog);
        parts = await openAlone(options, 'backfill', ADVICE);
        onTestFinished(() => closeParts(parts));
        await parts.connection.run('CREATE TABLE numbers AS FROM range(10) r(n)');
        await parts.connection.run('INSERT INTO numbers VALUES (5000)');
        await parts.connection.run('DELETE FROM numbers WHERE n = 5000');
      });

      /** Someone else: another process, but of a catalog in a file another connection. */
      async function other(): Promise<{ connection: DuckDBConnection; close: () => void }> {
        const instance = isShared ? await openLake(options) : parts.instance;
        const connection = await connectLake(instance);
        const close = () => {
          connection.closeSync();
          if (isShared) instance.closeSync();
        };
        return { connection, close };
      }

      async function commitBeside(): Promise<void> {
        const { connection, close } = await other();
        await connection.run('INSERT INTO numbers VALUES (2000)');
        close();
      }

      /** Narrows, and does something before or after the first statement that `matches`. */
      function narrowing(matches: RegExp, beside: { before?: () => Promise<void>; after?: () => Promise<void> }) {
        let isDone = false;
        const during = async (sql: string, statement: () => Promise<unknown>) => {
          if (isDone || !matches.test(sql)) return await statement();
          isDone = true;
          await beside.before?.();
          const result = await statement();
          await beside.after?.();
          return result;
        };
        const { connection } = parts;
        const watched = {
          run: (sql: string) => during(sql, () => connection.run(sql)),
          runAndReadAll: (sql: string) => during(sql, () => connection.runAndReadAll(sql)),
        };
        return narrowStatistics(watched as unknown as DuckDBConnection, isShared, ADVICE).finally(() =>
          expect(isDone).toBe(true),
        );
      }

      const greatest = async () => {
        const sql = `SELECT max_value FROM ${METADATA}.ducklake_table_column_stats
          JOIN ${METADATA}.ducklake_table USING (table_id) WHERE table_name = 'numbers'`;
        return (await rowsOf(parts.connection, sql))[0].max_value;
      };
      /** As someone sees it who opens the lake now. */
      async function found(): Promise<unknown> {
        closeParts(parts);
        const instance = await openLake(options);
        const connection = await connectLake(instance);
        const [{ rows }] = await rowsOf(connection, 'SELECT count(*) AS rows FROM numbers WHERE n = 2000');
        connection.closeSync();
        instance.closeSync();
        return rows;
      }

      const READ = /min\("n"\)/;
      const SET = /^UPDATE .*'0', '9'\)/s;

      it('are of the rows that there are', async () => {
        expect(await greatest()).toBe('5000');
        await narrowStatistics(parts.connection, isShared, ADVICE, 'extra');
        expect(await greatest()).toBe('5000');
        await narrowStatistics(parts.connection, isShared, ADVICE, 'n');
        expect(await greatest()).toBe('9');
      });

      it('hide nothing of an older snapshot', async () => {
        const [{ before }] = await rowsOf(
          parts.connection,
          `SELECT max(snapshot_id) - 1 AS before FROM ${METADATA}.ducklake_snapshot`,
        );
        await narrowStatistics(parts.connection, isShared, ADVICE);
        closeParts(parts);
        const instance = await openLake(options, { at: String(before), timeZone: 'UTC' });
        const connection = await connectLake(instance);
        const rows = await rowsOf(connection, 'SELECT n FROM numbers WHERE n = 5000');
        connection.closeSync();
        instance.closeSync();
        expect(rows).toEqual([{ n: 5000n }]);
      });

      it('stay as they are when somebody commits after the rows were read', async () => {
        await expect(narrowing(READ, { after: commitBeside })).rejects.toMatchObject(COMMITTED);
        expect(await greatest()).toBe('5000');
        expect(await found()).toBe(1n);
      });

      it('stay as they are when somebody commits just before they are set', async () => {
        await expect(narrowing(SET, { before: commitBeside })).rejects.toMatchObject(COMMITTED);
        expect(await greatest()).toBe('5000');
        expect(await found()).toBe(1n);
      });

      it('are widened by a commit that began before they were set', async () => {
        let late: Awaited<ReturnType<typeof other>> | undefined;
        const before = async () => {
          late = await other();
          await late.connection.run('BEGIN');
          await late.connection.run('INSERT INTO numbers VALUES (2000)');
          await late.connection.run('FROM numbers');
        };
        await narrowing(SET, { before }).catch((thrown) => {
          if (!isShared) throw thrown;
          expect(thrown).toMatchObject(CONNECTED);
        });
        expect(await greatest()).toBe('9');
        await late?.connection.run('COMMIT');
        late?.close();
        expect(await greatest()).toBe('2000');
        expect(await found()).toBe(1n);
      });

      it.runIf(isShared)('are refused to who is not alone, or no longer', async () => {
        const early = await other();
        await expect(narrowStatistics(parts.connection, isShared, ADVICE)).rejects.toMatchObject(CONNECTED);
        expect(await greatest()).toBe('5000');
        early.close();
        let late: Awaited<ReturnType<typeof other>> | undefined;
        const after = async () => {
          late = await other();
        };
        await expect(narrowing(READ, { after })).rejects.toMatchObject(CONNECTED);
        late?.close();
      });
    });
  });
});
