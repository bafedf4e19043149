/** A lake with its files in an object store, by the commands that people use. */
import { describe, expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { whyNoExtensions } from '../support/duckdb-extensions.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { describeS3 } from '../support/s3.js';
import { committedSome, filledTopic, LAKE_ENV, runEnv, runUntilEnd, startRun, verifies } from './support.js';

const EVENTS = 20_000;

describe.skipIf(whyNoExtensions() !== undefined)('a lake', () => {
  describeS3('with its files in S3', (s3) => {
    describeKafka('and a topic', (bootstrap) => {
      it('is filled, killed, joined, verified and read', { timeout: 240_000 }, async () => {
        const topic = await filledTopic(bootstrap(), 'lake-s3', 2, orderEvents({ count: EVENTS, seed: 3 }));
        const dataPath = `s3://${await s3().createBucket()}/lake`;
        const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
          ...LAKE_ENV,
          ...{ LAKE_DATA_PATH: dataPath, LAKE_KEEP_SNAPSHOTS: '0s', AWS_ENDPOINT_URL_S3: `http://${s3().endpoint}` },
          ...{ AWS_ACCESS_KEY_ID: 'test-key', AWS_SECRET_ACCESS_KEY: 'test-secret', AWS_REGION: 'us-east-1' },
          ...{ BATCH_ROWS: '1000', COMMIT_ROWS: '4000' },
        });
        const killed = await startRun(env);
        await committedSome(env.DATA_DIR, EVENTS);
        killed.kill('SIGKILL');
        await killed.ended;
        const { quarantined } = await runUntilEnd(env);
        await produce(bootstrap(), topic, orderEvents({ count: 1000, seed: 4, startMs: Date.UTC(2025, 6, 1) }));
        await runUntilEnd(env);
        await verifies(env);
        const before = await tables(env);
        expect(before.consumed).toBe(EVENTS + 1000);
        expect(before.quarantined).toBeGreaterThan(quarantined);
        expect(before.rows).toBe(before.ids);
        const { code, stdout } = await runCli(['compact'], { env });
        expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d\d files .* joined into 1 /)]);
        await verifies(env);
        expect(await tables(env)).toEqual(before);
        const { stdout: standing } = await runCli(['status', '--no-kafka', '--json'], { env });
        expect(JSON.parse(standing)).toMatchObject({ files: expect.any(Number), fileBytes: expect.any(Number) });
      });
    });
  });
});

async function tables(env: Record<string, string>): Promise<Record<string, number>> {
  const sql = `SELECT (SELECT sum(rows_consumed) FROM sluice.batches)::INTEGER AS consumed,
    (SELECT count(*) FROM sluice.quarantine)::INTEGER AS quarantined, count(*)::INTEGER AS rows,
    count(DISTINCT change_id)::INTEGER AS ids, bit_xor(hash(COLUMNS(*)))::VARCHAR FROM cdc_orders`;
  const { code, stdout, stderr } = await runCli(['query', sql, '--format', 'json'], { env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout) as Record<string, number>;
}
