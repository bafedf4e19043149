import kafka, { type ListOffsetsResult } from '@confluentinc/kafka-javascript';
import { expect, it, onTestFinished, vi } from 'vitest';
import { TopicAdmin } from '../../src/kafka/topic-admin.js';

it('knows no end of a log whose leader did not answer, which the client does not always call an error', async () => {
  const error = Object.assign(new Error('Local: Timed out'), { code: kafka.CODES.ERRORS.ERR__TIMED_OUT });
  // As librdkafka gives them in an outage.
  const results = [
    { topic: 'orders', partition: 0, offset: 7, timestamp: -1 },
    { topic: 'orders', partition: 1, offset: -1001, timestamp: -1 },
    { topic: 'orders', partition: 2, offset: 0, timestamp: -1 },
    { topic: 'orders', partition: 3, offset: -1001, timestamp: -1, error },
  ] as unknown as ListOffsetsResult[];
  const listOffsets = (...args: unknown[]) =>
    (args.at(-1) as (error: null, found: ListOffsetsResult[]) => void)(null, results);
  const made = vi.spyOn(kafka.AdminClient, 'createFrom').mockReturnValue({ listOffsets } as never);
  onTestFinished(() => made.mockRestore());
  const admin = new TopicAdmin({} as kafka.KafkaConsumer, 'orders');
  expect([...(await admin.ends([0, 1, 2, 3], 1000))]).toEqual([
    [0, 7],
    [2, 0],
  ]);
});
