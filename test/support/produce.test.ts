import { expect, it } from 'vitest';
import { orderEvents } from './events.js';
import { describeKafka, uniqueTopic } from './kafka/shared.js';
import * as kafka from './produce.js';

describeKafka('producing', (bootstrap) => {
  async function newTopic(partitions: number): Promise<string> {
    const topic = uniqueTopic('produce');
    await kafka.createTopic(bootstrap(), topic, partitions);
    return topic;
  }

  it('keeps null and empty keys and values apart, and partition and timestamp', async () => {
    const topic = await newTopic(2);
    const messages: kafka.TestMessage[] = [
      { partition: 1, key: null, value: null, timestamp: 1_735_689_600_001 },
      { partition: 1, key: '', value: '', timestamp: 1_735_689_600_000 },
      { partition: 1, key: 'clé', value: new Uint8Array([0xff, 0x00]), timestamp: 1_735_689_600_002 },
    ];
    expect(await kafka.produce(bootstrap(), topic, messages)).toBe(3);
    const read = await kafka.consumeAll(bootstrap(), topic);
    expect(read).toEqual([
      { partition: 1, offset: 0, timestamp: 1_735_689_600_001, key: null, value: null },
      { partition: 1, offset: 1, timestamp: 1_735_689_600_000, key: Buffer.from(''), value: Buffer.from('') },
      { partition: 1, offset: 2, timestamp: 1_735_689_600_002, key: Buffer.from('clé'), value: Buffer.from([255, 0]) },
    ]);
    expect(await kafka.endOffsets(bootstrap(), topic)).toEqual([0, 3]);
  });

  it('chooses partitions as Java clients do', async () => {
    const topic = await newTopic(100);
    // Hashes from Java's own tests of Utils.murmur2, without the sign bit.
    const hashes = { '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536 };
    await kafka.produce(
      bootstrap(),
      topic,
      Object.keys(hashes).map((key) => ({ key, value: 'x' })),
    );
    for (const { key, partition } of await kafka.consumeAll(bootstrap(), topic)) {
      const hash = hashes[String(key) as keyof typeof hashes];
      expect(partition).toBe((hash & 0x7fffffff) % 100);
    }
  });

  it('takes more messages than the queue of the client holds', async () => {
    const topic = await newTopic(4);
    const producer = await kafka.TestProducer.connect(bootstrap(), {
      properties: { 'queue.buffering.max.messages': 1000 },
    });
    expect(await producer.send(topic, orderEvents({ count: 5000 }))).toBe(5000);
    await producer.close();
    expect((await kafka.consumeAll(bootstrap(), topic)).length).toBe(5000);
  });

  it('delivers messages of 40 MiB', async () => {
    const topic = await newTopic(1);
    const value = Buffer.alloc(40 << 20, 'a');
    await kafka.produce(bootstrap(), topic, [{ value }]);
    const [message] = await kafka.consumeAll(bootstrap(), topic);
    expect(message.value?.equals(value)).toBe(true);
  });

  it('throws if a message is not delivered', async () => {
    const topic = await newTopic(1);
    await expect(kafka.produce(bootstrap(), topic, [{ partition: 7, value: 'x' }])).rejects.toThrow(/partition/i);
  });

  it('shows committed transactions only, and where the stable messages end', async () => {
    const topic = await newTopic(1);
    await kafka.produceTransaction(bootstrap(), topic, [{ value: 'a' }, { value: 'b' }], 'commit');
    await kafka.produceTransaction(bootstrap(), topic, [{ value: 'c' }], 'abort');
    const open = await kafka.TestProducer.connect(bootstrap(), { transactionalId: uniqueTopic('open') });
    await open.begin();
    await open.send(topic, [{ value: 'd' }]);
    // a, b, marker, c, marker | d
    expect(await kafka.endOffsets(bootstrap(), topic, 'read_committed')).toEqual([5]);
    expect(await kafka.endOffsets(bootstrap(), topic, 'read_uncommitted')).toEqual([6]);
    await open.commit();
    await open.close();
    const values = (await kafka.consumeAll(bootstrap(), topic)).map(({ value }) => String(value));
    expect(values).toEqual(['a', 'b', 'd']);
  });

  it('grows and deletes topics, and deletes records', async () => {
    const topic = await newTopic(1);
    await kafka.growTopic(bootstrap(), topic, 3);
    await kafka.produce(bootstrap(), topic, [
      { partition: 0, value: 'a' },
      { partition: 0, value: 'b' },
    ]);
    await kafka.deleteRecordsBefore(bootstrap(), topic, 0, 1);
    expect(await kafka.endOffsets(bootstrap(), topic)).toEqual([2, 0, 0]);
    await kafka.deleteTopic(bootstrap(), topic);
    await expect(kafka.endOffsets(bootstrap(), topic)).rejects.toThrow(/topic/i);
  });
});
