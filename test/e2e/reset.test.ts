/** `sluice reset` as an operator uses it, killed in the middle. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { parquetFiles } from '../support/recovering.js';
import {
  filledTopic,
  LAKE_ENV,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  SINKS,
  startRun,
  stop,
  verifies,
} from './support.js';

const LONG = { timeout: 240_000 };
const SMALL = { BATCH_ROWS: '20', COMMIT_ROWS: '40', COMPACT_AFTER_FILES: '0', FLUSH_INTERVAL_MS: '20' };
/** As few as have each moment, and more until one was between the journal and its removal. */
const [MIN_KILLS, MAX_KILLS] = [3, 12];
const ROWS = 'SELECT change_id, kafka_partition, kafka_offset FROM cdc_orders ORDER BY ALL';

describeKafka('reset', (bootstrap) => {
  const setUp = async (sink: string) => {
    const all = [...orderEvents({ count: 480 })].map((event, n) => ({ ...event, partition: n % 2 }));
    const [events, more, last] = [all.slice(0, 400), all.slice(400, 460), all.slice(460)];
    const topic = await filledTopic(bootstrap(), 'reset', 2, events);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...LAKE_ENV, ...SMALL, SINK: sink });
    await runUntilEnd(env);
    return { env, topic, more, last, rows: await queryFile(env.DATA_DIR, ROWS) };
  };
  const reset = async (env: Record<string, string>, to: string, ...args: string[]) => {
    const { code, stdout, stderr } = await runCli(['reset', '--partition', '0', '--to', to, ...args], { env });
    expect(code, stderr).toBe(0);
    return stdout;
  };

  it('goes back, killed at any moment, and the next run makes the rows as they were', LONG, async () => {
    const { env, rows } = await setUp('duckdb');
    const run = await startRun(env);
    expect(await reset(env, 'earliest', '--dry-run')).toMatch(/would be moved from 200 to 0.*\na dry run/s);
    expect((await refusal(['reset', '--partition', '0', '--to', '0'], env)).error).toMatch(/SLUICE_LOCKED/);
    await stop(run);
    expect(await queryFile(env.DATA_DIR, ROWS)).toEqual(rows);
    let between = 0;
    for (let kill = 0; kill < MAX_KILLS && (kill < MIN_KILLS || between === 0); kill++) {
      const copy = { ...env, DATA_DIR: await temporaryDataDir() };
      cpSync(env.DATA_DIR, copy.DATA_DIR, { recursive: true });
      const journal = join(copy.DATA_DIR, 'commit.json');
      const files = parquetFiles(copy.DATA_DIR).length;
      const killed = await CliProcess.start(['reset', '--partition', '0', '--to', 'earliest'], { env: copy });
      const ended = killed.ended.then(() => true);
      // Each moment is seen, not waited for: any machine is fast enough.
      const isMoment = [
        () => existsSync(journal),
        () => parquetFiles(copy.DATA_DIR).length < files,
        () => existsSync(join(copy.DATA_DIR, 'analytics.db.wal')),
      ][kill % 3];
      while (!isMoment() && !(await Promise.race([ended, sleep(0)])));
      killed.kill('SIGKILL');
      await killed.ended;
      const isBetween = existsSync(journal);
      if (isBetween) between++;
      await verifies(copy);
      if (!isBetween) continue;
      await runUntilEnd(copy);
      expect([await queryFile(copy.DATA_DIR, ROWS), existsSync(journal)]).toEqual([rows, false]);
      await verifies(copy);
    }
    expect(between, 'some kills came between the journal and its removal').toBeGreaterThan(0);
    const text = await reset(env, '2020-01-01T00:00:00Z');
    expect(text).toMatch(/moved from 200 to 0; \d+ rows.*removed/);
    await verifies(env);
    const status = JSON.parse((await runCli(['status', '--json'], { env })).stdout);
    expect(status.partitions[0]).toMatchObject({ position: 0, lag: 200, lastReset: { from: 200, to: 0 } });
    await runUntilEnd(env);
    expect(await queryFile(env.DATA_DIR, ROWS)).toEqual(rows);
    await verifies(env);
  });

  it.each(SINKS)('skips what an operator says, and the ledger knows it, SINK=%s', LONG, async (sink) => {
    const { env, topic, more, last, rows } = await setUp(sink);
    await produce(bootstrap(), topic, more);
    expect(await reset(env, 'latest', '--topic', topic)).toMatch(/was moved from 200 to 230; 30 offsets were skipped/);
    expect(await reset(env, '2999-01-01')).toMatch(/the position is 230 already/);
    const verified = await runCli(['verify'], { env });
    expect(verified.stdout).toMatch(
      /note {2}partition 0: offsets 200 to 230 were not read: an operator went past them/,
    );
    expect(verified.stdout).toMatch(/everything agrees/);
    const status = await runCli(['status'], { env });
    expect(status.stdout).toMatch(/^reset {11}partition 0 from 200 to 230, 20/m);
    await runUntilEnd(env);
    const after = (await queryFile(env.DATA_DIR, ROWS)) as [string, number, bigint][];
    expect(after.filter(([, partition]) => partition === 0)).toEqual(rows.filter(([, partition]) => partition === 0));
    expect(after.length).toBeGreaterThan(rows.length);
    await verifies(env);
    await produce(bootstrap(), topic, last);
    expect(await runUntilEnd(env)).toMatchObject({ events: 20, lostOffsets: 0 });
    await verifies(env);
    if (sink === 'ducklake') {
      expect((await refusal(['reset', '--partition', '0', '--to', '0'], env)).error).toMatch(/a lake cannot go back/);
      return;
    }
    await reset(env, '210');
    await runUntilEnd(env);
    expect(await queryFile(env.DATA_DIR, 'SELECT sum(rows_consumed)::INTEGER FROM sluice.batches')).toEqual([[480]]);
    await verifies(env);
  });

  it('refuses what cannot be', LONG, async () => {
    const { env } = await setUp('duckdb');
    const attempt = async (partition: string, to: string, more = {}) =>
      (await refusal(['reset', '--partition', partition, '--to', to], { ...env, ...more })).error;
    expect(await attempt('0', '201')).toMatch(/SLUICE_OFFSET_OUT_OF_RANGE.*Kafka has offsets 0 to 200/);
    expect(await attempt('2', '0')).toMatch(/SLUICE_CONFIG.*has partitions 0 to 1/);
    expect(await attempt('0', 'yesterday')).toMatch(/SLUICE_CONFIG.*must be an offset, earliest, latest, or a time/);
    expect(await attempt('0', '0', { KAFKA_TOPIC: 'other' })).toMatch(/SLUICE_CONFIG.*holds the topic/);
    expect(await attempt('0', '0', { DATA_DIR: await temporaryDataDir() })).toMatch(/SLUICE_CONFIG/);
  });
});
