/** A run as it lives: interruptions, growth, odd sizes, and what can be asked of it meanwhile. */

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { CliProcess, runCli, runShell, temporaryDataDir } from '../support/cli.js';
import { KindTally } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, describePrivateKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { deleteTopic, growTopic, produce } from '../support/produce.js';
import {
  committedSome,
  consumedIs,
  filledTopic,
  parquetGlob,
  queryFile,
  runEnv,
  runUntilEnd,
  startRun,
  stop,
  verifies,
} from './support.js';

const LONG = { timeout: 120_000 };
/** Small batches and groups, so that there is a middle of a run. */
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '1000', WORKERS: '1' };
const LATER = { seed: 2, startMs: Date.UTC(2025, 5, 1) };

describePrivateKafka('a broker that is killed and comes back', (broker) => {
  it('stops a run for as long as it is away, and no longer', LONG, async () => {
    const { bootstrap } = broker();
    const tally = new KindTally();
    const topic = await filledTopic(bootstrap, 'outage', 4, tally.through(orderEvents({ count: 60_000 })));
    const env = runEnv(bootstrap, topic, await temporaryDataDir(), {
      ...SMALL,
      KAFKA_CONFIG_QUEUED_MIN_MESSAGES: '1000',
      KAFKA_CONFIG_QUEUED_MAX_MESSAGES_KBYTES: '256',
    });
    const run = await startRun(env);
    await committedSome(env.DATA_DIR, 60_000);
    await broker().kill();
    await run.line(/"msg":"Kafka: /);
    await broker().restart();
    await consumedIs(env.DATA_DIR, 60_000);
    await stop(run);
    await verifies(env);
    expect(await ledgerTotals(env.DATA_DIR)).toEqual(tally.totals());
  });
});

describeKafka('SIGTERM', (bootstrap) => {
  it('drains, commits and ends with 0; the next run continues from there', LONG, async () => {
    const tally = new KindTally();
    const topic = await filledTopic(bootstrap(), 'sigterm', 4, tally.through(orderEvents({ count: 100_000 })));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), SMALL);
    const run = await startRun(env);
    await committedSome(env.DATA_DIR, 100_000);
    const first = await stop(run);
    expect(first.events).toBeGreaterThan(0);
    expect(first.events).toBeLessThan(100_000);
    const [[consumed]] = await queryFile(env.DATA_DIR, 'SELECT sum(rows_consumed)::INTEGER FROM sluice.batches');
    expect(consumed).toBe(first.events);
    await verifies(env);
    const second = await runUntilEnd({ ...env, BATCH_ROWS: '65536', COMMIT_ROWS: '245760' });
    expect(first.events + second.events).toBe(100_000);
    await verifies(env);
    expect(await ledgerTotals(env.DATA_DIR)).toEqual(tally.totals());
  });
});

describeKafka('sizes', (bootstrap) => {
  it('a message larger than BATCH_BYTES becomes a batch of its own', LONG, async () => {
    const items = `[${Array.from({ length: 300_000 }, (_, n) => `{"sku":"SKU-${n}"}`).join(',')}]`;
    const large = { key: 'o-large', value: `{"change_id":"large","order_id":"o-large","items":${items}}` };
    const small = [...orderEvents({ count: 200, shares: {} })];
    const messages = [...small.slice(0, 100), large, ...small.slice(100)];
    const topic = await filledTopic(bootstrap(), 'large', 1, messages);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { BATCH_BYTES: '1MiB' });
    expect(await runUntilEnd(env)).toMatchObject({ events: 201, merged: 201 });
    await verifies(env);
    const found = `SELECT kafka_offset::INTEGER, items = '${items}' FROM`;
    const where = "WHERE order_id = 'o-large'";
    expect(await queryFile(env.DATA_DIR, `${found} cdc_orders ${where}`)).toEqual([[100, true]]);
    expect(await queryFile(env.DATA_DIR, `${found} ${parquetGlob(env.DATA_DIR)} ${where}`)).toEqual([[100, true]]);
  });

  it.each([1, 50])('a topic of %i partitions', LONG, async (partitions) => {
    const tally = new KindTally();
    const events = tally.through(orderEvents({ count: 20_000, seed: partitions }));
    const topic = await filledTopic(bootstrap(), 'partitions', partitions, events);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    expect(await runUntilEnd(env)).toMatchObject({ events: 20_000 });
    await verifies(env);
    expect(await ledgerTotals(env.DATA_DIR)).toEqual(tally.totals());
    const count = 'SELECT count(DISTINCT partition_id)::INTEGER FROM sluice.positions';
    expect(await queryFile(env.DATA_DIR, count)).toEqual([[partitions]]);
  });

  it('a topic of 200 partitions that was made a moment ago', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'young', 200, []);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    const run = await startRun(env);
    await produce(bootstrap(), topic, orderEvents({ count: 2000 }));
    await consumedIs(env.DATA_DIR, 2000);
    await stop(run);
    await verifies(env);
  });

  it.each(['earliest', 'latest'])(
    'partitions added meanwhile are read from their start (START_FROM=%s)',
    LONG,
    async (from) => {
      const topic = await filledTopic(bootstrap(), 'grown', 2, []);
      const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
        START_FROM: from,
        KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS: '500',
      });
      const run = await startRun(env);
      await produce(bootstrap(), topic, orderEvents({ count: 1000 }));
      await consumedIs(env.DATA_DIR, 1000);
      await growTopic(bootstrap(), topic, 4);
      const added = [...orderEvents({ count: 1000, ...LATER })].map((event, n) => ({
        ...event,
        partition: 2 + (n % 2),
      }));
      await produce(bootstrap(), topic, added);
      await consumedIs(env.DATA_DIR, 2000);
      await stop(run);
      await verifies(env);
      const positions = 'SELECT next_offset::INTEGER FROM sluice.positions WHERE partition_id >= 2';
      expect(await queryFile(env.DATA_DIR, positions)).toEqual([[500], [500]]);
    },
  );
});

describeKafka('a run that waits for messages', (bootstrap) => {
  it('commits a lone message, and answers query and verify meanwhile', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'lone', 4, []);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { FLUSH_INTERVAL_MS: '100' });
    const run = await startRun(env);
    await produce(bootstrap(), topic, [{ key: 'o-1', value: '{"change_id":"c-1","order_id":"o-1","amount":"$12.5"}' }]);
    await consumedIs(env.DATA_DIR, 1);
    const sql = 'SELECT change_id, order_id, amount FROM orders';
    expect(await runCli(['query', sql], { env })).toMatchObject({
      code: 0,
      stdout: 'change_id,order_id,amount\nc-1,o-1,12.5000\n',
      stderr: '',
    });
    const refused = await runCli(['query', 'DELETE FROM cdc_orders'], { env });
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('SLUICE_QUERY') });
    await verifies(env);
    await stop(run);
    expect(await runCli(['query', sql], { env })).toMatchObject({ code: 0, stdout: expect.stringContaining('c-1') });
  });

  it('shows the code of what ended it until it is scraped, and ends at a signal', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'failing', 2, orderEvents({ count: 500, shares: {} }));
    const port = await freePort();
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      METRICS_PORT: String(port),
      METRICS_GRACE_MS: '600000',
      KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS: '500',
      KAFKA_CONFIG_TOPIC_METADATA_PROPAGATION_MAX_MS: '1000',
    });
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 500);
    await deleteTopic(bootstrap(), topic);
    const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).text();
    await vi.waitFor(async () => expect(await get('/metrics')).toMatch(/^sluice_up 0$/m), LONG);
    expect(await get('/metrics')).toMatch(/^sluice_errors_total\{code="SLUICE_UNKNOWN_TOPIC"\} 1$/m);
    expect(await get('/healthz')).toMatch(/^SLUICE_UNKNOWN_TOPIC: /);
    // The data directory is let go of beside this.
    const rows = () => queryFile(env.DATA_DIR, 'SELECT count(*)::INTEGER FROM cdc_orders');
    await vi.waitFor(async () => expect(await rows()).toEqual([[500]]), LONG);
    run.kill('SIGTERM');
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/SLUICE_UNKNOWN_TOPIC/);
  });

  it('serves its metrics and its health', LONG, async () => {
    const tally = new KindTally();
    const topic = await filledTopic(bootstrap(), 'metrics', 4, tally.through(orderEvents({ count: 5000 })));
    const port = await freePort();
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { METRICS_PORT: String(port) });
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 5000);
    const get = async (path: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`);
      return { status: response.status, text: await response.text() };
    };
    expect((await get('/healthz')).status).toBe(200);
    expect((await get('/readyz')).status).toBe(200);
    expect((await get('/elsewhere')).status).toBe(404);
    const { text } = await get('/metrics');
    const value = (series: string) =>
      Number(
        text
          .split('\n')
          .find((line) => line.startsWith(`${series} `))
          ?.split(' ')[1],
      );
    const { consumed, merged, duplicate, tombstone } = tally.totals();
    expect(value('sluice_events_total')).toBe(consumed);
    expect(value('sluice_rows_total{outcome="merged"}')).toBe(merged);
    expect(value('sluice_rows_total{outcome="duplicate"}')).toBe(duplicate);
    expect(value('sluice_rows_total{outcome="tombstone"}')).toBe(tombstone);
    expect(value('sluice_rows_total{outcome="marker"}')).toBe(0);
    for (const stage of ['consume', 'pack', 'kernel', 'parquet', 'merge']) {
      expect(value(`sluice_stage_seconds_total{stage="${stage}"}`), stage).toBeGreaterThan(0);
    }
    expect(value('sluice_lag_messages{partition="0"}')).toBe(0);
    expect(value('sluice_position{partition="3"}')).toBeGreaterThan(0);
    expect(value('sluice_watermark_seconds{partition="1"}')).toBeGreaterThan(1e9);
    expect(value('sluice_lag_seconds{partition="0"}')).toBe(0);
    expect(value('sluice_message_latency_seconds_count')).toBe(consumed);
    for (const size of ['data_dir_free', 'database', 'wal']) {
      expect(value(`sluice_${size}_bytes`), size).toBeGreaterThanOrEqual(size === 'wal' ? 0 : 1);
    }
    expect(text).toMatch(/^sluice_build_info\{version="[\d.]+",node="\d.*",librdkafka="\d.*",sink="duckdb"\} 1$/m);
    expect(text).toMatch(/^sluice_worker_utilization /m);
    expect(text).toMatch(/^sluice_backpressure_seconds_total /m);
    await stop(run);
  });
});

describe('the demo', () => {
  it('empties no folder but its own', async () => {
    const dataDir = await temporaryDataDir();
    const note = join(dataDir, 'demo', 'note.txt');
    mkdirSync(dirname(note));
    writeFileSync(note, 'mine');
    const { code, stderr } = await runCli(['demo', '--events', '10'], { env: { DATA_DIR: dataDir } });
    expect([code, stderr]).toEqual([2, expect.stringMatching(/SLUICE_CONFIG.*note\.txt.*remove the folder/)]);
    expect(readFileSync(note, 'utf8')).toBe('mine');
  });

  it('ends when it is stopped, however early', LONG, async () => {
    const env = { DATA_DIR: await temporaryDataDir() };
    const demo = await CliProcess.start(['demo', '--events', '10000000'], { env, timeoutMs: 100_000 });
    await vi.waitFor(() => expect(existsSync(join(env.DATA_DIR, 'demo', 'demo.txt'))).toBe(true), 10_000);
    demo.kill('SIGTERM');
    expect(await demo.ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/\nThe demo was stopped\.\n$/) });
  });

  it('needs nothing else, touches nothing else, and says what it did', LONG, async () => {
    const dataDir = await temporaryDataDir();
    const env = {
      DATA_DIR: dataDir,
      SINK: 'ducklake',
      VALUE_FORMAT: 'avro',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
      LINEAGE_FILE: join(dataDir, 'lineage.jsonl'),
      KAFKA_CONFIG_SECURITY_PROTOCOL: 'ssl',
    };
    const result = await runCli(['demo', '--events', '5000'], { env, timeoutMs: 100_000 });
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toBe('');
    expect(readdirSync(dataDir)).toEqual(['demo']);
    expect(result.stdout).toContain('Consumed 5,000 events');
    expect(result.stdout).toContain('everything agrees');
    expect(await ledgerTotals(join(dataDir, 'demo'))).toMatchObject({ consumed: 5000 });
    expect(result.stdout).toMatch(/^ {2}committed +[▁-█]+$/m);

    const [busiest = '', changes = '', page = '', ...others] = result.stdout.match(/^ {2}DATA_DIR=.*$/gm) ?? [];
    expect(others).toEqual([]);
    expect(await runShell(busiest, { env })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(.*\n){11}$/) });
    expect(await runShell(changes, { env })).toMatchObject({ code: 0, stdout: expect.stringMatching(/^(.*\n){3,}$/) });
    const shown = await CliProcess.start([], {
      shell: `exec env METRICS_PORT=${await freePort()} ${page.trim()}`,
      env,
    });
    await shown.line(/http:\/\/127\.0\.0\.1:\d+/);
  });
});

async function ledgerTotals(dataDir: string): Promise<Record<string, number>> {
  const names = ['consumed', 'merged', 'duplicate', 'quarantined', 'tombstone'];
  const sums = names.map((name) => `sum(rows_${name})::INTEGER`).join(', ');
  const [row] = await queryFile(dataDir, `SELECT ${sums} FROM sluice.batches`);
  return Object.fromEntries(names.map((name, index) => [name, row[index] as number]));
}
