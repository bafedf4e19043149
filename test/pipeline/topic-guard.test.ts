import { beforeEach, describe, expect, it } from 'vitest';
import { TopicGuard } from '../../src/pipeline/topic-guard.js';
import { FakeSink, FakeSource, messages, silent } from '../support/fakes.js';

let source: FakeSource;
let sink: FakeSink;
let guard: TopicGuard;

beforeEach(() => {
  source = new FakeSource([messages([0]), messages([0])]);
  sink = new FakeSink();
  guard = new TopicGuard('cdc_orders', { source, sink, log: silent });
});

describe('what the sink is told of a topic', () => {
  it('is how many partitions it has, once', async () => {
    await guard.check();
    source.log.push(messages([0]));
    await guard.check();
    expect(guard.firstPartitions).toBe(2);
    expect(sink.identity).toEqual({ ...source.topicIdentity, firstPartitions: 2 });
  });

  it('is not that it has none, as a broker says that does not know it yet', async () => {
    source.log.length = 0;
    await guard.check();
    expect(sink.identity.firstPartitions).toBeUndefined();
    source.log.push(messages([0]));
    await guard.check();
    expect(sink.identity.firstPartitions).toBe(1);
  });

  it('does not count if another process has said something else before', async () => {
    sink.setIdentity = async (topic) => ({ ...topic, firstPartitions: 1 });
    await guard.check();
    expect(guard.firstPartitions).toBe(1);
    sink.setIdentity = async (topic) => ({ ...topic, topicId: 'another' });
    guard.restore({ clusterId: undefined, topicId: undefined, firstPartitions: undefined });
    await expect(guard.check()).rejects.toMatchObject({ code: 'SLUICE_TOPIC_CHANGED' });
  });
});
