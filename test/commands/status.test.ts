/** `sluice status` at rest, beside a run, and without Kafka. */
import { expect, it, vi } from 'vitest';
import type { Standing } from '../../src/commands/status.js';
import { filledTopic, LAKE_ENV, runEnv, runUntilEnd, SINKS, startRun, stop } from '../e2e/support.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { produce } from '../support/produce.js';

const LONG = { timeout: 120_000 };

async function status(env: Record<string, string>, ...args: string[]): Promise<Standing> {
  const { code, stdout, stderr } = await runCli(['status', '--json', ...args], { env });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

describeKafka('status', (bootstrap) => {
  it.each(SINKS)('has positions and ends, rows, quarantine and files, SINK=%s', LONG, async (sink) => {
    const events = [...orderEvents({ count: 40, shares: {} })].map((event) => ({ ...event, partition: 0 }));
    const messages = [...events, { partition: 0, value: 'no json' }, { partition: 1, value: '[]' }];
    const topic = await filledTopic(bootstrap(), 'status', 2, messages);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...LAKE_ENV, SINK: sink });
    await runUntilEnd(env);
    await produce(bootstrap(), topic, events.slice(0, 5));
    const rest = await status(env);
    expect(rest).toMatchObject({
      ...{ topic, sink, running: false, dataDir: env.DATA_DIR, endsUnknown: null, stateRows: null },
      rows: { consumed: 42, merged: 40, quarantined: 2, duplicate: 0, tombstone: 0, marker: 0 },
      quarantine: { malformed: 1, not_object: 1 },
      partitions: [
        { partition: 0, position: 41, end: 46, lag: 5, watermark: expect.stringMatching(/^20.*Z$/) },
        { partition: 1, position: 1, end: 1, lag: 0, watermark: null, lastCommit: expect.stringMatching(/^20.*Z$/) },
      ],
    });
    for (const size of [rest.files, rest.fileBytes, rest.databaseBytes]) expect(size).toBeGreaterThan(0);
    const port = await freePort();
    const run = await startRun({ ...env, METRICS_PORT: String(port) });
    expect(await status(env, '--no-kafka')).toMatchObject({ running: true, endsUnknown: 'not asked for' });
    await vi.waitFor(async () => {
      const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(metrics).toMatch(/^sluice_parquet_files\{age="1h"\} [1-9]/m);
      expect(metrics).toMatch(/^sluice_parquet_stored_bytes\{age="older"\} 0$/m);
    }, LONG);
    await stop(run);
  });

  it('fits 80 columns, and says when Kafka does not answer', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'narrow', 1, [...orderEvents({ count: 10, shares: {} })]);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { STATE: 'table' });
    await runUntilEnd(env);
    const { code, stdout } = await runCli(['status'], { env: { ...env, KAFKA_BROKERS: '127.0.0.1:1' } });
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toMatch(/^end offsets {5}not known: SLUICE_KAFKA_UNREACHABLE$/m);
    expect(stdout).toMatch(/^newest state {4}a table of \d+ rows$/m);
    expect(stdout).toMatch(/^messages {8}10 consumed, 10 merged, 0 duplicate$/m);
    expect(lines.at(-1)).toMatch(/^ +0 +10 +∅ +∅ +\d\d-\d\d /);
  });
});
