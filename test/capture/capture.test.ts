import type { ChangeStream } from 'mongodb';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { Capture } from '../../src/capture/capture.js';
import type { CapturedCollection } from '../../src/capture/change-stream.js';
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
  transactionIntervalMs: 1,
  tokenIntervalMs: 0,
  maxMessageBytes: 1 << 20,
} as const;

const token = (n: number) => `82650000000000000${n}00`;

it('stores the place of a stream in which nothing changes, each place once', async () => {
  const places: string[] = [];
  const producer = {
    async transaction(messages: readonly OutgoingMessage[]) {
      places.push(...messages.map(({ topic, value }) => `${topic} ${JSON.parse(value).token}`));
    },
  } as unknown as TransactionalProducer;
  let reads = 0;
  const stream = {
    resumeToken: undefined as unknown,
    async tryNext() {
      reads++;
      // It moves on at every other read.
      this.resumeToken = { _data: token(reads >> 1) };
      if (reads === 7) capture.stop();
      return null;
    },
    async close() {},
  };
  const source = { name: 'shop.orders', watch: async () => stream as unknown as ChangeStream };
  const log = pino({ level: 'silent' });
  const metrics = new CaptureMetrics();
  const record = { version: 1, token: token(0), clusterTime: '6500000000000000' } as const;
  const writer = new GroupWriter(OPTIONS, { producer, metrics, log }, record);
  const capture = new Capture(OPTIONS, { source: source as unknown as CapturedCollection, writer, metrics, log });
  await capture.run();
  expect(places).toEqual([1, 2, 3].map((n) => `orders.tokens ${token(n)}`));
});
