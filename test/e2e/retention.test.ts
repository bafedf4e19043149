/** RETAIN_*: what is old leaves beside the commits, and a kill at any moment of it loses nothing else. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { Random } from '../support/random.js';
import { filledTopic, hiddenFiles, queryFile, runEnv, runUntilEnd, verifies } from './support.js';

const EVENTS = 24_000;
const KILLS = 8;
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '1500', FLUSH_INTERVAL_MS: '50' };
/** The shortest that can be set: all but the newest leaves while it is read. */
const RETAIN = { RETAIN_CHANGES: '1s', RETAIN_QUARANTINE: '1s', RETAIN_PARQUET: '1s' };

const ORDERS = 'SELECT *, hash(COLUMNS(*)) FROM orders ORDER BY kafka_partition, kafka_offset';
const LEFT = `SELECT sum(rows_retired)::INTEGER, sum(quarantine_retired)::INTEGER, count(file_retired)::INTEGER
  FROM sluice.batches`;

describeKafka('with RETAIN_*', (bootstrap) => {
  it(`kill -9 at ${KILLS} moments leaves all orders as they are`, { timeout: 300_000 }, async () => {
    const events = [...orderEvents({ count: EVENTS, seed: 9 })];
    const topic = await filledTopic(bootstrap(), 'retention', 3, []);
    const dataDir = await temporaryDataDir();
    const env = runEnv(bootstrap(), topic, dataDir, { ...SMALL, ...RETAIN });
    const random = new Random(20_263);
    let killedAfter = 0;
    for (let kill = 0; kill < KILLS; kill++) {
      await produce(bootstrap(), topic, events.splice(0, EVENTS / KILLS));
      const state = { STATE: kill % 3 > 0 ? 'table' : 'view' };
      const run = await CliProcess.start(['run'], { env: { ...env, ...state }, timeoutMs: 120_000 });
      await run.line(/"msg":"reading /);
      // Half of the kills come after something has left, the others at any moment.
      if (kill % 2 === 1) await run.line(/left \(RETAIN_\*\)/).then(() => killedAfter++);
      await sleep(random.next() * (kill % 2 === 1 ? 300 : 3000));
      run.kill('SIGKILL');
      expect((await run.ended).signal).toBe('SIGKILL');
    }
    expect(killedAfter).toBeGreaterThan(0);
    await runUntilEnd({ ...env, STATE: 'table' });
    const calmDir = await temporaryDataDir();
    await runUntilEnd(runEnv(bootstrap(), topic, calmDir, { KAFKA_GROUP_ID: `${topic}-calm` }));
    await verifies(env);
    await sleep(1000);
    const { code, stderr } = await runCli(['compact'], { env });
    expect(code, stderr).toBe(0);
    await verifies(env);
    expect(await queryFile(dataDir, ORDERS)).toEqual(await queryFile(calmDir, ORDERS));
    // Nothing is left that could leave.
    const log = 'SELECT count(*)::INTEGER FROM cdc_orders';
    const [[[rows]], [[merged]]] = [await queryFile(dataDir, log), await queryFile(calmDir, log)];
    const [[changes, quarantined, files]] = await queryFile(dataDir, LEFT);
    expect(Number(rows) + Number(changes)).toBe(merged);
    expect(await queryFile(dataDir, `SELECT count(*)::INTEGER FROM sluice.quarantine`)).toEqual([[0]]);
    const [[wanted]] = await queryFile(calmDir, 'SELECT count(*)::INTEGER FROM sluice.quarantine');
    expect([quarantined, Number(files) > 0]).toEqual([wanted, true]);
    expect(await queryFile(dataDir, `SELECT count(*)::INTEGER FROM glob('${dataDir}/parquet/**/*.parquet')`)).toEqual([
      [0],
    ]);
    expect(hiddenFiles(dataDir)).toEqual([]);
  });
});
