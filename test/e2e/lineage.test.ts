/** The events of whole runs, as a server and a file get them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { LineageServer, type SentEvent, schemaProblems } from '../support/openlineage.js';
import { produce } from '../support/produce.js';
import { consumedIs, filledTopic, LAKE_ENV, queryFile, runEnv, runUntilEnd, SINKS, startRun, stop } from './support.js';

describeKafka('lineage', (bootstrap) => {
  const orders = (count: number, seed = 1) => [...orderEvents({ count, seed, shares: {}, ids: 'random' })];
  const types = (events: readonly SentEvent[]) => events.map(({ eventType }) => eventType);
  const rows = (events: readonly SentEvent[]) =>
    events.reduce((sum, { outputs: [table] }) => sum + Number(table.outputFacets!.outputStatistics.rowCount), 0);

  it.each(SINKS)(
    'of runs into %s: complete, killed and stopped',
    async (sink) => {
      const server = await LineageServer.start();
      const dataDir = await temporaryDataDir();
      const topic = await filledTopic(bootstrap(), 'orders', 2, orders(500));
      const file = join(dataDir, 'lineage.jsonl');
      const env = {
        ...{ ...runEnv(bootstrap(), topic, dataDir), ...(sink === 'ducklake' && LAKE_ENV) },
        ...{ OPENLINEAGE_URL: server.url, LINEAGE_FILE: file, LINEAGE_INTERVAL: '1s', OPENLINEAGE_NAMESPACE: 'shop' },
      };
      await runUntilEnd(env);
      const first = server.events;
      expect(types(first)).toEqual([
        'START',
        ...types(first)
          .slice(1, -1)
          .map(() => 'RUNNING'),
        'COMPLETE',
      ]);
      expect(rows(first)).toBe(500);
      expect(
        readFileSync(file, 'utf8')
          .trim()
          .split('\n')
          .map((line) => rows([JSON.parse(line)]))
          .at(-1),
      ).toBe(rows(first.slice(-1)));

      const killed = await startRun(env);
      await produce(bootstrap(), topic, orders(300, 2));
      await consumedIs(dataDir, 800);
      killed.kill('SIGKILL');
      await killed.ended;
      await produce(bootstrap(), topic, orders(200, 3));
      const stopped = await startRun(env);
      await consumedIs(dataDir, 1000);
      await stop(stopped);

      const { events } = server;
      expect(events.flatMap(schemaProblems)).toEqual([]);
      expect(new Set(events.map(({ run }) => run.runId)).size).toBe(3);
      expect(events[0].job).toMatchObject({ namespace: 'shop', name: `${topic}-group.${topic}` });
      expect(events[0].inputs).toMatchObject([{ namespace: `kafka://${bootstrap()}`, name: topic }]);
      const last = events.filter(({ run }) => run.runId === events.at(-1)!.run.runId);
      expect(types([last[0], last.at(-1)!])).toEqual(['START', 'COMPLETE']);
      expect(rows(last)).toBe(200);
      const inTable = await queryFile(dataDir, 'SELECT count(*) FROM cdc_orders');
      expect(Number(inTable[0][0])).toBe(1000);
    },
    120_000,
  );

  it("a run that fails says why, and a server that is away is in nobody's way", async () => {
    const dataDir = await temporaryDataDir();
    const file = join(dataDir, 'lineage.jsonl');
    const env = { ...runEnv(bootstrap(), `${bootstrap().replace(/\W/g, '-')}-none`, dataDir), LINEAGE_FILE: file };
    const { code, stderr } = await runCli(['run'], { env: { ...env, OPENLINEAGE_URL: 'http://127.0.0.1:1' } });
    expect(code, stderr).toBeGreaterThan(1);
    const events = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as SentEvent);
    expect(types(events)).toEqual(['START', 'FAIL']);
    expect(events[1].run.facets.errorMessage.message).toMatch(/^SLUICE_UNKNOWN_TOPIC: /);
    expect(stderr.match(/lineage events wait/g)).toHaveLength(1);
    expect(stderr.match(/lineage events are lost/g)).toHaveLength(1);
  });
});
