/** Changes, ids and topics that are too large or too small for a message, and a collection without documents. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { describeKafka } from '../support/kafka/shared.js';
import { createTopic, deleteTopic } from '../support/produce.js';
import { capturedIs, LONG_MS, messagesOf, sharedReplicaSet, startCapture, stopCapture } from './capturing.js';

const LONG = { timeout: LONG_MS };

describeKafka('capture', (bootstrap) => {
  const { setUp } = sharedReplicaSet(bootstrap);

  it('leaves out what is too large, and says so', LONG, async () => {
    const { env, topic, orders } = await setUp('oversize', { MAX_MESSAGE_BYTES: '5000' });
    const capture = await startCapture(env);
    await orders.insertOne({ _id: 'large', note: 'x'.repeat(6000) });
    await orders.insertOne({ _id: 'small', note: 'x' });
    await capturedIs(bootstrap(), topic, 'small');
    await stopCapture(capture);
    expect((await messagesOf(bootstrap(), topic)).map(({ key }) => key)).not.toContain('large');
    expect(await messagesOf(bootstrap(), `${topic}.oversize`)).toMatchObject([
      { key: 'large', value: { order_id: 'large', operation: 'insert', limit: 5000 } },
    ]);
  });

  it('captures what comes after a document whose _id alone is larger than a message', LONG, async () => {
    const { env, topic, orders } = await setUp('long-id', { MAX_MESSAGE_BYTES: '5000' });
    const longId = (letter: string) => letter.repeat(1_500_000);
    await orders.insertMany([{ _id: 'a' }, { _id: longId('b') }, { _id: longId('c') }]);
    const capture = await startCapture({ ...env, TRANSACTION_EVENTS: '1' });
    await orders.insertOne({ _id: longId('d') });
    await orders.insertOne({ _id: 'last' });
    await capturedIs(bootstrap(), topic, 'last');
    await stopCapture(capture);
    const keys = (await messagesOf(bootstrap(), topic))
      .map(({ key }) => key)
      .filter((key) => !key.startsWith('snapshot:'));
    expect(keys.sort()).toEqual(['a', 'last']);
    expect((await messagesOf(bootstrap(), `${topic}.oversize`)).map(({ key, value }) => [key, value])).toEqual(
      ['b', 'c', 'd'].map((letter) => {
        const order_id_sha256 = createHash('sha256').update(longId(letter)).digest('hex');
        const start = `${letter.repeat(64)}…`;
        return [order_id_sha256, expect.objectContaining({ order_id: start, order_id_sha256, limit: 5000 })];
      }),
    );
  });

  it('ends if the topic takes smaller messages than MAX_MESSAGE_BYTES, and says what to change', LONG, async () => {
    const { env, topic, orders } = await setUp('refused');
    await deleteTopic(bootstrap(), topic);
    await createTopic(bootstrap(), topic, 4, { 'max.message.bytes': '10000' });
    const capture = await startCapture(env);
    await orders.insertOne({ _id: 'a' });
    await capturedIs(bootstrap(), topic, 'a');
    await orders.insertOne({ _id: 'large', note: 'x'.repeat(20_000) });
    const { code, stderr } = await capture.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(new RegExp(`SLUICE_KAFKA.*${topic} refuses a message.*set MAX_MESSAGE_BYTES below`));
  });

  it('waits for the first document of an empty collection, over restarts', LONG, async () => {
    const { env, topic, orders } = await setUp('empty');
    for (let start = 0; start < 2; start++) {
      const idle = await startCapture({ ...env, TOKEN_INTERVAL_MS: '100' });
      await sleep(1500);
      await stopCapture(idle);
    }
    const capture = await startCapture(env);
    await orders.insertOne({ _id: 'first' });
    await capturedIs(bootstrap(), topic, 'first');
    await stopCapture(capture);
  });
});
