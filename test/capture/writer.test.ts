import { BSON } from 'mongodb';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../src/capture/change-event.js';
import type { Checkpoint } from '../../src/capture/checkpoint.js';
import { type CapturedMessage, changeMessage } from '../../src/capture/envelope.js';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import type { OutgoingMessage, TransactionalProducer } from '../../src/capture/producer.js';
import { GroupWriter } from '../../src/capture/writer.js';

const OPTIONS = {
  topic: 'orders',
  source: 'shop.orders',
  transactionEvents: 3,
  transactionBytes: 800,
  transactionIntervalMs: 100,
  maxMessageBytes: 500,
};
const PLAIN = { orderIdPath: undefined, eventTimePath: undefined };

const token = (n: number) => `82650000000000000${n}00`;
const checkpoint = (n: number): Checkpoint => ({ version: 1, token: token(n), clusterTime: `650000000000000${n}` });

function change(n: number, fields: object = {}): CapturedMessage {
  const event = { _id: { _data: token(n) }, operationType: 'insert', documentKey: { _id: `o-${n}` } };
  return changeMessage(readEvent(BSON.serialize({ ...event, fullDocument: { ...fields } })), PLAIN);
}

/** A writer after the checkpoint 1, and the transactions that it makes. */
function writing(transaction?: () => Promise<void>) {
  const transactions: (readonly OutgoingMessage[])[] = [];
  const metrics = new CaptureMetrics();
  const producer = {
    async transaction(messages: readonly OutgoingMessage[]) {
      await transaction?.();
      transactions.push(messages);
    },
  } as unknown as TransactionalProducer;
  const writer = new GroupWriter(OPTIONS, { producer, metrics, log: pino({ level: 'silent' }) }, checkpoint(1));
  return { writer, transactions, metrics };
}

describe('GroupWriter', () => {
  it('writes a group and the checkpoint after it in one transaction', async () => {
    const { writer, transactions } = writing();
    writer.add(change(2));
    writer.add(change(3));
    await writer.write(checkpoint(3));
    await writer.settled();
    expect(writer.isEmpty).toBe(true);
    expect(transactions).toHaveLength(1);
    expect(transactions[0].map(({ topic, key }) => [topic, key])).toEqual([
      ['orders', 'o-2'],
      ['orders', 'o-3'],
      ['orders.tokens', 'shop.orders'],
    ]);
    expect(JSON.parse(String(transactions[0][2].value))).toEqual({ ...checkpoint(3), sole: true });
  });

  it('is due at a number of events, of bytes, or after a time that it waits for the transaction before', async () => {
    let finish = () => {};
    const { writer } = writing(() => new Promise((resolve) => (finish = resolve)));
    expect(writer.isDue(Number.POSITIVE_INFINITY)).toBe(false);
    writer.add(change(2));
    expect(writer.isDue(performance.now() - 1)).toBe(false);
    expect(writer.isDue(performance.now() + 100)).toBe(true);
    await writer.write(checkpoint(2));
    writer.add(change(3));
    expect(writer.isDue(Number.POSITIVE_INFINITY)).toBe(false);
    finish();
    await writer.settled();
    expect(writer.isDue(Number.POSITIVE_INFINITY)).toBe(true);
    for (let n = 4; n < 6; n++) writer.add(change(n));
    expect(writer.isDue(0)).toBe(true);
    const { writer: bytes } = writing();
    for (let n = 2; n < 4; n++) bytes.add(change(n, { note: 'x'.repeat(380) }));
    expect(bytes.isDue(0)).toBe(true);
  });

  it('refuses a position before the last one', async () => {
    const { writer, transactions } = writing();
    await writer.write(checkpoint(3));
    await expect(writer.write(checkpoint(2))).rejects.toMatchObject({ code: 'SLUICE_MONGODB' });
    await writer.settled();
    expect(transactions).toHaveLength(1);
  });

  it('says what a transaction failed with, at once and at the next one', async () => {
    const { writer, metrics } = writing(() => Promise.reject(new Error('fenced')));
    writer.add(change(2));
    await writer.write(checkpoint(2));
    await expect(writer.settled()).rejects.toThrow('fenced');
    await expect(writer.write(checkpoint(3))).rejects.toThrow('fenced');
    const text = await metrics.registry.metrics();
    expect(text).toContain('sluice_capture_transactions_total 0');
    expect(text).toMatch(/^sluice_capture_token_age_seconds [1-9]/m);
  });

  it('counts what was committed', async () => {
    const { writer, transactions, metrics } = writing();
    writer.add(change(2));
    writer.add(change(3, { note: 'x'.repeat(600) }));
    await writer.write(checkpoint(3));
    await writer.settled();
    expect(transactions[0].map(({ topic }) => topic)).toEqual(['orders', 'orders.oversize', 'orders.tokens']);
    const text = await metrics.registry.metrics();
    expect(text).toContain('sluice_capture_events_total{operation="insert"} 2');
    expect(text).toContain('sluice_capture_transactions_total 1');
    expect(text).toContain('sluice_capture_oversize_total 1');
    expect(text).toContain('sluice_capture_gaps_total 0');
    expect(text).toContain(`sluice_capture_position_seconds ${0x65000000}`);
    expect(text).toMatch(/^sluice_capture_lag_seconds [1-9]/m);
    expect(text).toMatch(/^sluice_capture_token_age_seconds [1-9]/m);
  });
});
