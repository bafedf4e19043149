import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { LatencyHistogram } from '../../src/metrics/latency-histogram.js';

async function shown(...observed: (readonly [messages: number, shortest: number, longest: number])[]) {
  const registry = new Registry();
  const histogram = new LatencyHistogram('latency_seconds', 'How long', registry);
  for (const batch of observed) histogram.observe(...batch);
  const text = await registry.metrics();
  return (series: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.split(' ')[1],
    );
}
const bucket = (le: string) => `latency_seconds_bucket{le="${le}"}`;

it('spreads the messages of a batch evenly over its latencies', async () => {
  const value = await shown([1000, 0, 10]);
  expect([value(bucket('0.1')), value(bucket('2.5')), value(bucket('5')), value(bucket('10'))]).toEqual([
    10, 250, 500, 1000,
  ]);
  expect(value('latency_seconds_sum')).toBe(5000);
  expect(value('latency_seconds_count')).toBe(1000);
});

it('counts messages of one time at once, and those above all bounds', async () => {
  const value = await shown([7, 0.1, 0.1], [2, 7200, 7200]);
  expect([value(bucket('0.05')), value(bucket('0.1')), value(bucket('3600')), value(bucket('+Inf'))]).toEqual([
    0, 7, 7, 9,
  ]);
  expect(value('latency_seconds_sum')).toBeCloseTo(14_400.7);
});

it('never falls from a bucket to the next, however messages are rounded', async () => {
  const value = await shown([3, 0.02, 9], [1, 0.3, 4000], [5, 0.001, 0.02]);
  const all = ['0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '30', '60', '3600', '+Inf'];
  const counts = all.map((le) => value(bucket(le)));
  expect(counts).toEqual([...counts].sort((one, other) => one - other));
  expect(counts.at(-1)).toBe(9);
});
