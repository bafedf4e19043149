import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { type OutgoingMessage, TransactionalProducer } from '../../src/capture/producer.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic } from '../support/produce.js';

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
      const producer = await TransactionalProducer.connect(options, pino({ level: 'silent' }));
      onTestFinished(() => producer.close());
      return producer;
    };
    const message = { topic, partition: 0, key: 'a', value: Buffer.from('{}') };
    return { producer: await connect(), connect, message };
  }

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
        /^the broker ended a transaction that was open for \d s, longer than transaction\.timeout\.ms=1000; or /,
      ),
    });
  });
});
