import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { CHECKPOINT_TOPIC_CONFIG, checkpointMessage, checkpointTopic } from '../../src/capture/checkpoint.js';
import { CheckpointReader } from '../../src/capture/checkpoint-reader.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce, produceTransaction, TestProducer } from '../support/produce.js';

const SOURCE = 'shop.orders';
const OTHER = 'shop.archive';
/** More than a topic has in which compaction was late. */
const MANY = 200_000;

const record = (n: number) => {
  const time = n.toString(16).padStart(16, '0').toUpperCase();
  return { version: 1, token: `82${time}00`, clusterTime: time } as const;
};

describeKafka('CheckpointReader', (bootstrap) => {
  /** A reader of a checkpoint topic of its own, and what it logs. */
  async function setUp(stallTimeoutMs = 60_000) {
    const topic = uniqueTopic('read');
    await createTopic(bootstrap(), checkpointTopic(topic), 1, CHECKPOINT_TOPIC_CONFIG);
    const logged: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line) => logged.push(line) });
    const options = { brokers: bootstrap(), topic, source: SOURCE, properties: {}, stallTimeoutMs };
    const reader = await CheckpointReader.connect(options, log);
    onTestFinished(() => reader.close());
    const current = (n: number, source = SOURCE) => checkpointMessage(topic, source, record(n));
    const write = (messages: Iterable<{ key: string; value: Buffer | null }>) =>
      produce(bootstrap(), checkpointTopic(topic), messages);
    return { topic, reader, logged, current, write };
  }

  /** As versions wrote it that let several sources write one topic. */
  const old = (n: number, source = SOURCE) => ({ key: source, value: Buffer.from(JSON.stringify(record(n))) });

  /** Whether the reader waits for a transaction to end. */
  const waits = (logged: readonly string[]) =>
    vi.waitFor(() => expect(logged.join('')).toContain('open transaction'), { timeout: 30_000 });

  it('knows nothing of a topic that is empty or does not exist yet', async () => {
    const { reader } = await setUp();
    expect(await reader.read('everything')).toEqual({ record: undefined, others: [], recordsRead: 0 });
    const options = { brokers: bootstrap(), topic: 'absent', source: SOURCE, properties: {}, stallTimeoutMs: 1000 };
    const absent = await CheckpointReader.connect(options, pino({ level: 'silent' }));
    onTestFinished(() => absent.close());
    expect(await absent.read('committed')).toEqual({ record: undefined, others: [], recordsRead: 0 });
  });

  it('has the newest record of each source, as often as it is asked', async () => {
    const { reader, write } = await setUp();
    await write([old(1), old(2, OTHER), old(3), old(4, 'shop.gone'), { key: 'shop.gone', value: null }]);
    const expected = { record: record(3), others: [OTHER], recordsRead: 5 };
    expect(await reader.read('committed')).toEqual(expected);
    expect(await reader.read('everything')).toEqual(expected);
    await write([old(5), { key: OTHER, value: null }]);
    expect(await reader.read('everything')).toEqual({ record: record(5), others: [], recordsRead: 7 });
    await write([{ key: SOURCE, value: null }]);
    expect(await reader.read('everything')).toEqual({ record: undefined, others: [], recordsRead: 8 });
  });

  it('reads no further back than it must, however long the topic is', { timeout: 120_000 }, async () => {
    const { reader, write, current } = await setUp();
    await write(Array.from({ length: MANY }, (_, n) => current(n)));
    const known = await reader.read('everything');
    expect(known).toMatchObject({ record: record(MANY - 1), others: [] });
    expect(known.recordsRead).toBeLessThanOrEqual(1000);
    // Another source, before whose records the newest one of this source is not in the first windows.
    await write(Array.from({ length: 5000 }, (_, n) => old(n, OTHER)));
    const further = await reader.read('everything');
    expect(further).toMatchObject({ record: record(MANY - 1), others: [OTHER] });
    expect(further.recordsRead).toBeLessThanOrEqual(9000);
  });

  it('reads all of a topic that only versions without other sources wrote', { timeout: 120_000 }, async () => {
    const { reader, write } = await setUp();
    await write([old(1, OTHER)]);
    await write(Array.from({ length: 20_000 }, (_, n) => old(n)));
    expect(await reader.read('everything')).toEqual({ record: record(19_999), others: [OTHER], recordsRead: 20_001 });
  });

  it.each(['commit', 'abort'] as const)('waits for the %s of a transaction that is open', async (end) => {
    const { topic, reader, logged, write, current } = await setUp();
    await write([current(1)]);
    const other = await TestProducer.connect(bootstrap(), { transactionalId: `${topic}-other` });
    await other.begin();
    await other.send(checkpointTopic(topic), [old(9, OTHER)]);
    // Committed, but after a record whose fate is not known yet.
    await produceTransaction(bootstrap(), checkpointTopic(topic), [current(2)], 'commit');
    expect(await reader.read('committed')).toMatchObject({ record: record(1) });
    const everything = reader.read('everything');
    await waits(logged);
    await (end === 'commit' ? other.commit() : other.abort());
    await other.close();
    expect(await everything).toMatchObject({ record: record(2), others: end === 'commit' ? [OTHER] : [] });
  });

  it('gives up if a transaction stays open for longer than it may', async () => {
    const { topic, reader, write, current } = await setUp(1000);
    const other = await TestProducer.connect(bootstrap(), { transactionalId: `${topic}-other` });
    onTestFinished(() => other.close());
    await other.begin();
    await other.send(checkpointTopic(topic), [old(9, OTHER)]);
    await write([current(2)]);
    await expect(reader.read('everything')).rejects.toMatchObject({
      code: 'SLUICE_KAFKA',
      message: expect.stringMatching(
        /tokens cannot be read: it ends at the offset 2, and nothing came after 0 for 1 s/,
      ),
    });
  });

  it('refuses a record that it cannot read', async () => {
    const { reader, write } = await setUp();
    await write([{ key: SOURCE, value: Buffer.from('{"version":2}') }]);
    await expect(reader.read('everything')).rejects.toMatchObject({ code: 'SLUICE_KAFKA' });
  });
});
