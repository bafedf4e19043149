import type { ChangeStream } from 'mongodb';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Capture, type CaptureOptions } from '../../src/capture/capture.js';
import type { CapturedCollection } from '../../src/capture/collection.js';
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

interface FakeStream {
  resumeToken: unknown;
  tryNext(): Promise<unknown>;
  close(): Promise<void>;
}

/** Runs a capture on a stream, which may stop it; tells the transactions. */
async function captured(stream: (stop: () => void) => FakeStream, more: Partial<CaptureOptions> = {}) {
  const transactions: string[][] = [];
  const producer = {
    async transaction(messages: readonly OutgoingMessage[]) {
      transactions.push(messages.map(({ topic, key, value }) => `${topic} ${JSON.parse(value).token ?? key}`));
    },
  } as unknown as TransactionalProducer;
  const opened = stream(() => capture.stop());
  const source = { name: 'shop.orders', watch: async () => opened as unknown as ChangeStream };
  const log = pino({ level: 'silent' });
  const metrics = new CaptureMetrics();
  const record = { version: 1, token: token(0), clusterTime: '6500000000000000' } as const;
  const writer = new GroupWriter(OPTIONS, { producer, metrics, log }, record);
  const parts = { source: source as unknown as CapturedCollection, writer, metrics, log };
  const capture = new Capture({ ...OPTIONS, ...more }, parts);
  await capture.run();
  return transactions;
}

it('stores the place of a stream in which nothing changes, each place once', async () => {
  let reads = 0;
  const transactions = await captured((stop) => ({
    resumeToken: undefined as unknown,
    async tryNext() {
      reads++;
      // It moves on at every other read.
      this.resumeToken = { _data: token(reads >> 1) };
      if (reads === 7) stop();
      return null;
    },
    async close() {},
  }));
  expect(transactions).toEqual([1, 2, 3].map((n) => [`orders.tokens ${token(n)}`]));
});

it('commits the open transaction when it is stopped', async () => {
  let reads = 0;
  const transactions = await captured((stop) => ({
    resumeToken: undefined as unknown,
    async tryNext() {
      if (++reads === 3) stop();
      this.resumeToken = { _data: token(reads) };
      return { _id: this.resumeToken, operationType: 'delete', documentKey: { _id: `o-${reads}` } };
    },
    async close() {},
  }));
  expect(transactions).toEqual([['orders o-1', 'orders o-2', 'orders o-3', `orders.tokens ${token(3)}`]]);
});
