/**
 * A run whose catalog is gone for a while: it waits, says so, goes on, and nothing is lost. DuckDB's client of Postgres
 * may end the process instead (docs/lake.md); then it is started again, as whoever watches it does.
 */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CliProcess, temporaryDataDir } from '../support/cli.js';
import { whyNoExtensions } from '../support/duckdb-extensions.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { describePostgres } from '../support/postgres.js';
import { produce } from '../support/produce.js';
import {
  consumed,
  consumedIs,
  filledTopic,
  LAKE_ENV,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const EVENTS = 5000;
/** `OUTAGE_SECONDS=30` for a longer one. */
const OUTAGE_SECONDS = Number(process.env.OUTAGE_SECONDS ?? 4);

/** As in a container: the program is the first process. Only root may have that. */
const ALONE = ['--fork', '--pid', '--mount-proc', '--kill-child'];
const canBeAlone = spawnSync('unshare', [...ALONE, 'true']).status === 0;

describe.skipIf(whyNoExtensions() !== undefined)('a lake', () => {
  it.skipIf(!canBeAlone)(
    'that nobody answers for ends the first process of a container, too',
    {
      timeout: 60_000,
    },
    async () => {
      const silent = createServer();
      silent.listen(0, '127.0.0.1');
      await once(silent, 'listening');
      onTestFinished(() => void silent.close());
      const { port } = silent.address() as AddressInfo;
      const env = runEnv('127.0.0.1:1', 'cdc_orders', await temporaryDataDir(), {
        ...LAKE_ENV,
        LAKE_CATALOG: `postgres:host=127.0.0.1 port=${port} connect_timeout=600`,
        SHUTDOWN_GRACE_MS: '0',
      });
      const run = await CliProcess.start([], { shell: `exec unshare ${ALONE.join(' ')} $SLUICE run`, env });
      const [socket] = await once(silent, 'connection');
      onTestFinished(() => void socket.destroy());
      const first = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'utf8');
      process.kill(Number(first), 'SIGTERM');
      const { stderr } = await run.ended;
      expect(stderr).toMatch(/did not end.*The process is killed/);
    },
  );

  describePostgres('with its catalog in Postgres', (postgres) => {
    describeKafka('and a topic', (bootstrap) => {
      it(`goes on after ${OUTAGE_SECONDS} s without Postgres`, { timeout: 360_000 }, async () => {
        const events = (seed: number) => orderEvents({ count: EVENTS, seed, startMs: Date.UTC(2025, seed, 1) });
        const topic = await filledTopic(bootstrap(), 'lake-outage', 2, events(1));
        const dataDir = await temporaryDataDir();
        const env = runEnv(bootstrap(), topic, dataDir, {
          ...LAKE_ENV,
          LAKE_CATALOG: `postgres:${await postgres().createDatabase()}`,
          LAKE_DATA_PATH: join(dataDir, 'lake'),
        });
        const run = await startRun(env);
        await consumedIs(dataDir, EVENTS);
        await postgres().stop();
        onTestFinished(() => postgres().start());
        await produce(bootstrap(), topic, events(2));
        let isAlive = true;
        void run.ended.then(() => {
          isAlive = false;
        });
        // If it ends here or later, there may be no such line.
        await run.line(/"code":"SLUICE_LAKE"/).catch(() => {});
        await sleep(OUTAGE_SECONDS * 1000);
        await postgres().start();
        const isThrough = async () => (await consumed(dataDir).catch(() => 0)) >= 2 * EVENTS;
        await vi.waitUntil(async () => !isAlive || (await isThrough()), { timeout: 90_000, interval: 200 });
        if (!isAlive) expect((await run.ended).stderr).toContain('terminate called');
        const second = isAlive ? run : await startRun(env);
        await consumedIs(dataDir, 2 * EVENTS);
        const { events: read } = await stop(second);
        if (second === run) expect(read).toBe(2 * EVENTS);
        await verifies(env);
      });

      it('ends at SIGTERM though Postgres stands still, and goes on at the next start', {
        timeout: 180_000,
      }, async () => {
        const topic = await filledTopic(bootstrap(), 'lake-standstill', 2, orderEvents({ count: EVENTS, seed: 1 }));
        const dataDir = await temporaryDataDir();
        const env = runEnv(bootstrap(), topic, dataDir, {
          ...LAKE_ENV,
          LAKE_CATALOG: `postgres:${await postgres().createDatabase()}`,
          LAKE_DATA_PATH: join(dataDir, 'lake'),
          SHUTDOWN_GRACE_MS: '500',
        });
        const run = await startRun(env);
        await consumedIs(dataDir, EVENTS);
        postgres().pause();
        onTestFinished(() => postgres().resume());
        await produce(bootstrap(), topic, orderEvents({ count: EVENTS, seed: 2, startMs: Date.UTC(2025, 2, 1) }));
        run.kill('SIGTERM');
        const { signal, stderr } = await run.ended;
        expect([signal, stderr]).toEqual([
          'SIGKILL',
          expect.stringMatching(/"code":"SLUICE_LAKE".*the sink did not end/),
        ]);
        postgres().resume();
        const { events } = await runUntilEnd(env);
        expect(events).toBeLessThanOrEqual(EVENTS);
        await verifies(env);
      });
    });
  });
});
