import { expect, it, onTestFinished } from 'vitest';
import { checkpointTopic, snapshotCheckpoint } from '../../src/capture/checkpoint.js';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import { type OutgoingMessage, TransactionalProducer } from '../../src/capture/producer.js';
import { GroupWriter } from '../../src/capture/writer.js';
import { silent } from '../support/fakes.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { consumeAll, createTopic, growTopic } from '../support/produce.js';

const TIME = '6500000000000001';
const TIMEOUT_MS = 1000;
/** And so long until the broker looks for transactions that are open for too long. */
const SUSPENDED_MS = TIMEOUT_MS + 1500;

describeKafka('TransactionalProducer', (bootstrap) => {
  async function setUp() {
    const topic = uniqueTopic('fenced');
    await createTopic(bootstrap(), topic, 1);
    const properties = { 'transaction.timeout.ms': `${TIMEOUT_MS}` };
    const options = { brokers: bootstrap(), transactionalId: topic, maxMessageBytes: 1 << 20, properties };
    const connect = async () => {
      const producer = await TransactionalProducer.connect(options, silent);
      onTestFinished(() => producer.close());
      return producer;
    };
    const message = { topic, partition: 0, key: 'a', value: Buffer.from('{}') };
    return { producer: await connect(), connect, message };
  }

  it('marks a snapshot in partitions, too, that were added since it connected', async () => {
    const { producer, message } = await setUp();
    const { topic } = message;
    await createTopic(bootstrap(), checkpointTopic(topic), 1);
    const limits = { transactionEvents: 9, transactionBytes: 1 << 20, transactionIntervalMs: 100 };
    const options = { topic, source: 'shop.orders', ...limits, maxMessageBytes: 1 << 20 };
    const parts = { producer, metrics: new CaptureMetrics(), log: silent };
    const writer = new GroupWriter(options, parts, undefined);
    await producer.transaction([message]);
    await growTopic(bootstrap(), topic, 2);
    await writer.beginSnapshot(TIME);
    await growTopic(bootstrap(), topic, 3);
    await writer.addMarkers(TIME, 'end');
    await writer.write(snapshotCheckpoint(TIME, null, true));
    await writer.settled();
    const written = (await consumeAll(bootstrap(), topic)).map(
      ({ partition, value }) => `${partition} ${JSON.parse(String(value)).operation}`,
    );
    const markers = ['0 snapshot_begin', '0 snapshot_end', '1 snapshot_begin', '1 snapshot_end', '2 snapshot_end'];
    expect(written.sort()).toEqual(['0 undefined', ...markers].sort());
  });

  it('says that another one took over', async () => {
    const { producer, connect, message } = await setUp();
    await connect();
    await expect(producer.transaction([message])).rejects.toMatchObject({
      code: 'SLUICE_FENCED',
      message: expect.stringMatching(/^another capture took over the topic: /),
    });
  });

  it('says that its own transaction was open for too long, as on a machine that was suspended', async () => {
    const { producer, message } = await setUp();
    const messages = {
      *[Symbol.iterator]() {
        yield message;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SUSPENDED_MS);
        yield message;
      },
    };
    await expect(producer.transaction(messages as unknown as OutgoingMessage[])).rejects.toMatchObject({
      code: 'SLUICE_FENCED',
      message: expect.stringMatching(
        /^the broker ended a transaction that was open for \d+ s, longer than transaction\.timeout\.ms=1000; or /,
      ),
    });
  });
});
