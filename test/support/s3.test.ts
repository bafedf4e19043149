import { describe, expect, it } from 'vitest';
import { literal, rowsOf } from '../../src/core/sql.js';
import { duckdbAfter, whyNoExtensions } from './duckdb-extensions.js';
import { describeS3 } from './s3.js';

describe.skipIf(whyNoExtensions() !== undefined)('DuckDB', () => {
  describeS3('with the S3 server of one test file', (s3) => {
    it('does not reach it while it is stopped, and finds its objects again', async () => {
      const connection = await duckdbAfter(['LOAD httpfs', s3().secretSql, 'SET http_retries = 0']);
      const file = literal(`s3://${await s3().createBucket()}/a/b=1/x.parquet`);
      await connection.run(`COPY (SELECT 42 AS a) TO ${file}`);
      s3().stop();
      s3().stop();
      await expect(connection.run(`FROM ${file}`)).rejects.toThrow(/connect/i);
      await s3().start();
      await s3().start();
      expect(await rowsOf(connection, `SELECT a FROM ${file}`)).toEqual([{ a: 42 }]);
    });
  });
});
