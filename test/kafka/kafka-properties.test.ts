import { expect, it } from 'vitest';
import { consumerProperties } from '../../src/kafka/kafka-properties.js';

const OPTIONS = {
  brokers: '127.0.0.1:9092',
  topic: 'orders',
  groupId: 'group',
  reader: 'auto',
  instanceId: 'instance',
} as const;

it('looks for new partitions every 30 s, or as often as is set', () => {
  const REFRESH = 'topic.metadata.refresh.interval.ms';
  const given: Record<string, string>[] = [{}, { [REFRESH]: '500' }];
  const intervals = given.map((properties) => {
    return new Map<string, unknown>(Object.entries(consumerProperties({ ...OPTIONS, properties }))).get(REFRESH);
  });
  expect(intervals).toEqual([30_000, '500']);
});

it('does not let properties change what exactly once rests on', () => {
  const properties = { 'isolation.level': 'read_uncommitted', 'enable.auto.commit': 'true' };
  expect(consumerProperties({ ...OPTIONS, properties })).toMatchObject({
    'isolation.level': 'read_committed',
    'enable.auto.commit': false,
  });
});

it.each([
  [true, 'cooperative-sticky'],
  [false, 'range'],
])('has partitions move one by one if the topic is shared: %s', (isShared, strategy) => {
  expect(consumerProperties({ ...OPTIONS, isShared, properties: {} })).toMatchObject({
    'partition.assignment.strategy': strategy,
    'group.instance.id': 'instance',
  });
});
