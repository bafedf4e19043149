import { describe, expect, it } from 'vitest';
import { METADATA } from '../../../src/sinks/ducklake/lake.js';
import { order, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, s3LakeOptions } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { describeS3 } from '../../support/s3.js';

const IDS = 'SELECT change_id FROM cdc_orders ORDER BY 1';
/** Files stay as they are: that of the batch is read when all is done. */
const compaction = { ...lakeOptions('').compaction, afterFiles: 0 };

describe.skipIf(whyNoExtensions() !== undefined)('files that nobody registered', { timeout: 120_000 }, () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('and the catalog in %s', (where) => {
      const catalog = async () => (where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`);

      describeS3('and an object store', (s3) => {
        it('are removed from it, and their batch, written again, stays', async () => {
          const dataPath = `s3://${await s3().createBucket()}/lake`;
          const options = { ...s3LakeOptions(s3().endpoint, dataPath, await catalog()), compaction };
          const write = async (sink: Awaited<ReturnType<typeof openLakeSink>>) => {
            const [{ epoch }] = await sink.claim([0]);
            return await makeLakeBatch(options, 0, 0, [order('a')], { epoch });
          };
          const killed = await openLakeSink(options);
          const lost = await write(killed);
          await killed.close();
          const sink = await openLakeSink(options);
          const batch = await write(sink);
          await sink.stage(batch);
          await sink.commit();
          await sink.compact(true);
          await sink.close();
          expect(await onLake(options, IDS)).toEqual([['a']]);
          const objects = await onLake(options, `SELECT file FROM glob('${dataPath}/cdc_orders/**')`);
          expect(objects).toEqual([[batch.file!.path]]);
          expect(batch.file!.path).not.toBe(lost.file!.path);
        });
      });

      it('are kept by housekeeping if they are registered after all, as a release before could do', async () => {
        const options = { ...lakeOptions(temporaryDirectory(), await catalog()), compaction };
        const sink = await openLakeSink(options);
        const [{ epoch }] = await sink.claim([0]);
        const batch = await makeLakeBatch(options, 0, 0, [order('a')], { epoch });
        const connection = await sink.connect();
        await connection.run(
          `INSERT INTO ${METADATA}.ducklake_files_scheduled_for_deletion
           VALUES (${2n ** 62n}, '${batch.file!.path}', false, '2000-01-01')`,
        );
        connection.closeSync();
        await sink.stage(batch);
        await sink.commit();
        await sink.compact(true);
        await sink.close();
        expect(await onLake(options, IDS)).toEqual([['a']]);
      });
    });
  });
});
