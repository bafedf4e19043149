import { BSON } from 'mongodb';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Capture, type CaptureOptions } from '../../src/capture/capture.js';
import { readEvent } from '../../src/capture/change-event.js';
import type { CapturedCollection, EventStream } from '../../src/capture/collection.js';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import type { OutgoingMessage, TransactionalProducer } from '../../src/capture/producer.js';
import { GroupWriter } from '../../src/capture/writer.js';

const OPTIONS = {
  topic: 'orders',
  source: 'shop.orders',
  partitions: 2,
  orderIdPath: undefined,
  eventTimePath: undefined,
  fullDocument: 'updateLookup',
  snapshot: 'never',
  onLostHistory: 'fail',
  onInvalidate: 'stop',
  transactionEvents: 1000,
  transactionBytes: 1 << 20,
  transactionIntervalMs: 60_000,
  tokenIntervalMs: 0,
  maxMessageBytes: 1 << 20,
} as const;

const token = (n: number) => `82650000000000000${n}00`;

/** Runs a capture on a stream, which may stop it; tells the transactions. */
async function captured(stream: (stop: () => void) => EventStream, more: Partial<CaptureOptions> = {}) {
  const transactions: string[][] = [];
  const producer = {
    async transaction(messages: readonly OutgoingMessage[]) {
      transactions.push(messages.map(({ topic, key, value }) => `${topic} ${JSON.parse(String(value)).token ?? key}`));
    },
  } as unknown as TransactionalProducer;
  const opened = stream(() => capture.stop());
  const source = { name: 'shop.orders', watch: async () => opened };
  const log = pino({ level: 'silent' });
  const metrics = new CaptureMetrics();
  const record = { version: 1, token: token(0), clusterTime: '6500000000000000' } as const;
  const writer = new GroupWriter(OPTIONS, { producer, metrics, log }, record);
  const parts = { source: source as unknown as CapturedCollection, writer, metrics, log };
  const capture = new Capture({ ...OPTIONS, ...more }, parts);
  await capture.run();
  return transactions;
}

it('stores the position of a stream in which nothing changes, each position once', async () => {
  let reads = 0;
  const transactions = await captured((stop) => ({
    async next() {
      reads++;
      // The eighth is on its way while the seventh is used.
      if (reads === 8) stop();
      // It moves on at every other read.
      return { events: [], token: token(reads >> 1) };
    },
    async close() {},
  }));
  expect(transactions).toEqual([1, 2, 3].map((n) => [`orders.tokens ${token(n)}`]));
});

it('commits the open transaction when it is stopped', async () => {
  let reads = 0;
  const transactions = await captured((stop) => ({
    async next() {
      if (++reads === 4) stop();
      const event = { _id: { _data: token(reads) }, operationType: 'delete', documentKey: { _id: `o-${reads}` } };
      return { events: [readEvent(BSON.serialize(event))], token: token(reads) };
    },
    async close() {},
  }));
  expect(transactions).toEqual([['orders o-1', 'orders o-2', 'orders o-3', `orders.tokens ${token(3)}`]]);
});
