import { describe, expect, it } from 'vitest';
import { literal, rowsOf } from '../../src/core/sql.js';
import { duckdbAfter, whyNoExtensions } from './duckdb-extensions.js';
import { describePostgres } from './postgres.js';
import { describeS3 } from './s3.js';

describe.skipIf(whyNoExtensions() !== undefined)('a DuckLake', () => {
  describePostgres(
    'with its catalog in Postgres',
    (postgres) => {
      describeS3('and its data in S3', (s3) => {
        it('is written and read by two instances of DuckDB', async () => {
          const catalog = literal(`ducklake:postgres:${await postgres().createDatabase()}`);
          const bucket = `s3://${await s3().createBucket()}`;
          const statements = [
            ...['ducklake', 'postgres_scanner', 'httpfs'].map((name) => `LOAD ${name}`),
            s3().secretSql,
            `ATTACH ${catalog} AS lake (DATA_PATH ${literal(`${bucket}/lake/`)}, DATA_INLINING_ROW_LIMIT 0)`,
          ];
          const one = await duckdbAfter(statements);
          await one.run("CREATE TABLE lake.t AS SELECT i, 'r' || i AS s FROM range(1000) AS r(i)");
          const other = await duckdbAfter(statements);
          const rows = 'SELECT count(*)::INTEGER AS n, max(i)::INTEGER AS last FROM lake.t';
          expect(await rowsOf(other, rows)).toEqual([{ n: 1000, last: 999 }]);
          await other.run('DELETE FROM lake.t WHERE i >= 10');
          expect(await rowsOf(one, rows)).toEqual([{ n: 10, last: 9 }]);
          const files = `SELECT count(*)::INTEGER AS n FROM glob(${literal(`${bucket}/lake/**`)})`;
          expect(await rowsOf(one, files)).toEqual([{ n: 2 }]);
        });
      });
    },
    { password: true },
  );
});
