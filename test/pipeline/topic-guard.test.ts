import pino from 'pino';
import { beforeEach, describe, expect, it, vi } from 'vitest';
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

  it('is said again only when more is known of it', async () => {
    const said = vi.spyOn(sink, 'setIdentity');
    source.topicIdentity = { clusterId: 'cluster', topicId: undefined };
    await guard.check();
    await guard.check();
    expect(said).toHaveBeenCalledTimes(1);
    source.topicIdentity = { clusterId: 'cluster', topicId: 'topic' };
    await guard.check();
    source.topicIdentity = { clusterId: undefined, topicId: 'topic' };
    await guard.check();
    expect(said).toHaveBeenCalledTimes(2);
    expect(sink.identity).toEqual({ clusterId: 'cluster', topicId: 'topic', firstPartitions: 2 });
    guard.restore({ clusterId: 'cluster', topicId: 'topic', firstPartitions: undefined });
    await guard.check();
    expect(said).toHaveBeenCalledTimes(3);
  });

  it('is refused with all that differs', async () => {
    guard.restore({ clusterId: 'old cluster', topicId: 'old topic', firstPartitions: 2 });
    await expect(guard.check()).rejects.toThrow(
      'its cluster id is cluster, not old cluster, and its topic id is topic, not old topic',
    );
  });
});

describe('the topic of what was read', () => {
  it('is not asked for before the data directory has one', async () => {
    await guard.confirm();
    expect(source.identityRequests).toBe(0);
  });

  it('is refused if it is another by then', async () => {
    await guard.check();
    await guard.confirm();
    source.topicIdentity = { clusterId: 'cluster', topicId: 'another' };
    await expect(guard.confirm()).rejects.toMatchObject({ code: 'SLUICE_TOPIC_CHANGED' });
    // What failed holds nothing up.
    source.topicIdentity = { clusterId: 'cluster', topicId: 'topic' };
    await guard.confirm();
  });

  it('is not known from brokers that do not answer within a second, which is no failure', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) });
    guard = new TopicGuard('cdc_orders', { source, sink, log });
    await guard.check();
    source.identity = vi.fn(async () => Promise.reject(new Error('no broker answers')));
    await guard.confirm();
    expect(source.identity).toHaveBeenCalledWith(1000);
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ level: 20, error: 'no broker answers' });
  });
});
