/** One alert in a real Prometheus that scrapes a real run; test/integrations/ has all of them. */
import { describe, expect, it } from 'vitest';
import { Alerting, scaledRules } from '../support/alerting.js';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { freePort } from '../support/ports.js';
import { produce } from '../support/produce.js';
import { promtool, whyNoPrometheus } from '../support/prometheus.js';
import { filledTopic, runEnv, startRun, stop } from './support.js';

/** A quarter of an hour is three seconds. */
const FACTOR = 300;

it('rules take less time in tests, and are the same else', () => {
  const rules = '  expr: predict_linear(x[6h], 24 * 3600) / sum by (job) (increase(y[15m])) > 5\n  for: 30m\n';
  expect(scaledRules(rules, FACTOR)).toBe(
    '  expr: predict_linear(x[72000ms], 24 * 3600) / sum by (job) (increase(y[3000ms])) > 5\n  for: 6000ms\n',
  );
});

describe.skipIf(whyNoPrometheus() !== undefined)('Prometheus', () => {
  describeKafka('scrapes a run', (bootstrap) => {
    it('finds its metrics well formed, and tells of messages that cannot be read', { timeout: 120_000 }, async () => {
      const topic = await filledTopic(bootstrap(), 'alerts', 2, orderEvents({ count: 1000, shares: {} }));
      const port = await freePort();
      const run = await startRun(runEnv(bootstrap(), topic, await temporaryDataDir(), { METRICS_PORT: `${port}` }));
      const alerting = await Alerting.start(port, FACTOR);
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      expect(promtool(['check', 'metrics'], text)).toEqual({ code: 0, text: '' });
      // As long as it takes: more of them come.
      const spoiling = setInterval(() => void produce(bootstrap(), topic, [{ value: '{"change_id":' }]), 300);
      try {
        await alerting.fires('SluiceQuarantine');
      } finally {
        clearInterval(spoiling);
      }
      await alerting.clears('SluiceQuarantine');
      expect(await alerting.firing()).toEqual([]);
      await stop(run);
    });
  });
});
