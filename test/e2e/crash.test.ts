import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { DEFAULT_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { Random } from '../support/random.js';
import { hiddenFiles, LAKE_ENV, parquetGlob, queryFile, runEnv, runUntilEnd, verifies } from './support.js';

const EVENTS = 150_000;
const KILLS = 15;
/** Small batches and groups: many moments at which a commit is half done. */
const SMALL = { BATCH_ROWS: '1000', COMMIT_ROWS: '3000', FLUSH_INTERVAL_MS: '50' };

/** Enough for some commits, and too few to reach the end in all runs together. */
const MAX_FILES_PER_RUN = 10;

function files(dataDir: string): number {
  return readdirSync(dataDir, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet')).length;
}

const TABLE = 'SELECT *, hash(COLUMNS(*)) FROM cdc_orders ORDER BY kafka_partition, kafka_offset';

const ORDERS = 'SELECT *, hash(COLUMNS(*)) FROM orders ORDER BY kafka_partition, kafka_offset';

describeKafka('kill -9', (bootstrap) => {
  const topic = uniqueTopic('crash');

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, 4);
    // Enough bad messages that a lake has a file of them in most commits.
    const shares = { ...DEFAULT_SHARES, bad_syntax: 0.06 };
    await produce(bootstrap(), topic, orderEvents({ count: EVENTS, seed: 7, shares }));
  });

  it.each(['duckdb', 'ducklake'])(
    `at ${KILLS} random moments leaves the result of an undisturbed run, SINK=%s`,
    {
      timeout: 400_000,
    },
    async (sink) => {
      const random = new Random(20_261);
      const calmDir = await temporaryDataDir();
      const calm = await runUntilEnd(runEnv(bootstrap(), topic, calmDir, { KAFKA_GROUP_ID: `${topic}-calm-${sink}` }));
      expect(calm.events).toBe(EVENTS);

      const dataDir = await temporaryDataDir();
      const env = runEnv(bootstrap(), topic, dataDir, {
        ...SMALL,
        ...LAKE_ENV,
        SINK: sink,
        KAFKA_GROUP_ID: `${topic}-${sink}`,
      });
      let committed = 0;
      for (let kill = 0; kill < KILLS; kill++) {
        // The state comes and goes: a start that finds none merges all there is, and may be killed meanwhile.
        const state = { STATE: kill % 4 > 0 ? 'table' : 'view' };
        const run = await CliProcess.start(['run'], { env: { ...env, ...state }, timeoutMs: 120_000 });
        // A third of the moments lie in the start; the others follow the files, so that any machine is fast enough.
        if (kill % 3 !== 0) {
          await run.line(/"msg":"reading /);
          const target = files(dataDir) + random.next() * MAX_FILES_PER_RUN;
          while (files(dataDir) < target) await sleep(2);
          await sleep(random.next() * 60);
        } else await sleep(random.next() * 1200);
        run.kill('SIGKILL');
        expect((await run.ended).signal).toBe('SIGKILL');
        if (kill % 5 === 4) {
          const [[now]] = await queryFile(
            dataDir,
            'SELECT coalesce(sum(rows_consumed), 0)::INTEGER FROM sluice.batches',
          );
          committed = now as number;
        }
      }
      expect(committed).toBeGreaterThan(0);
      expect(committed).toBeLessThan(EVENTS);
      await runUntilEnd({ ...env, STATE: 'table' });
      const joins = async () => {
        const { code, stdout } = await runCli(['compact'], { env });
        expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+ files .* joined into \d+ /)]);
      };
      if (sink === 'ducklake') await joins();
      await verifies(env);
      expect(await queryFile(dataDir, ORDERS)).toEqual(await queryFile(calmDir, ORDERS));
      const [[merged]] = await queryFile(
        dataDir,
        'SELECT count(*) > 0 FROM sluice.merged WHERE partition_id IS NOT NULL',
      );
      expect(merged).toBe(true);

      expect(await queryFile(dataDir, TABLE)).toEqual(await queryFile(calmDir, TABLE));
      const valid = (
        folder: string,
      ) => `SELECT count(*), count(DISTINCT (kafka_partition, kafka_offset)), bit_xor(hash(f))
      FROM ${parquetGlob(folder)} f`;
      expect(await queryFile(dataDir, valid(dataDir))).toEqual(await queryFile(calmDir, valid(calmDir)));
      expect(hiddenFiles(dataDir)).toEqual([]);
      if (sink === 'ducklake')
        expect(readdirSync(join(dataDir, 'lake', topic, 'quarantine')).length).toBeGreaterThan(0);
      const quarantine = 'SELECT * EXCLUDE (topic) FROM sluice.quarantine ORDER BY partition_id, message_offset';
      expect(await queryFile(dataDir, quarantine)).toEqual(await queryFile(calmDir, quarantine));

      // A lake was joined before.
      if (sink === 'ducklake') return;
      await joins();
      await verifies(env);
      expect(await queryFile(dataDir, TABLE)).toEqual(await queryFile(calmDir, TABLE));
    },
  );
});
