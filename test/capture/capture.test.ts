import { BSON, Timestamp } from 'mongodb';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { Capture, type CaptureOptions, endOfGap } from '../../src/capture/capture.js';
import { readEvent } from '../../src/capture/change-event.js';
import type { CapturedCollection, EventStream } from '../../src/capture/collection.js';
import { CaptureMetrics } from '../../src/capture/metrics.js';
import type { OutgoingMessage, TransactionalProducer } from '../../src/capture/producer.js';
import { GroupWriter } from '../../src/capture/writer.js';

const OPTIONS = {
  topic: 'orders',
  source: 'shop.orders',
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

/** The cluster times of the positions that `captured` stored last. */
const times: string[] = [];

/** Runs a capture on a stream, which may stop it; tells the transactions. */
async function captured(
  stream: (stop: () => void, running: () => Capture) => EventStream,
  more: Partial<CaptureOptions> = {},
) {
  const transactions: string[][] = [];
  times.length = 0;
  const producer = {
    async transaction(messages: readonly OutgoingMessage[]) {
      transactions.push(messages.map(({ topic, key, value }) => `${topic} ${JSON.parse(String(value)).token ?? key}`));
      times.push(...messages.flatMap(({ value }) => JSON.parse(String(value)).clusterTime ?? []));
    },
  } as unknown as TransactionalProducer;
  const opened = stream(
    () => capture.stop(),
    () => capture,
  );
  const source = { name: 'shop.orders', watch: async () => opened, renewAfter() {} };
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

it('follows a server whose tokens do not sort by the times of the changes, and stores these', async () => {
  const tokens = ['3a00', '2b00', '2b00', '1c00', '1c00'];
  let reads = 0;
  const transactions = await captured(
    (stop) => ({
      async next() {
        const n = reads++;
        if (n === tokens.length) stop();
        const _id = { _data: tokens[n] };
        const clusterTime = new Timestamp({ t: 0x65000000, i: n + 1 });
        const event = { _id, operationType: 'delete', clusterTime, documentKey: { _id: `o-${n}` } };
        // The position moves on without a change at every other read.
        const events = n % 2 === 0 && n < tokens.length ? [readEvent(BSON.serialize(event))] : [];
        return { events, token: tokens[n] ?? '0d00' };
      },
      async close() {},
    }),
    { transactionIntervalMs: 0 },
  );
  expect(transactions.flat().filter((message) => message.startsWith('orders '))).toEqual(
    [0, 2, 4].map((n) => `orders o-${n}`),
  );
  expect(times).toEqual([...times].sort());
  expect(times.at(-1)).toBe('6500000000000005');
});

/** Stands still but for what the test adds to its `nowMs`. */
function stoppedClock(): { nowMs: number } {
  const clock = { nowMs: 0 };
  const spy = vi.spyOn(performance, 'now').mockImplementation(() => clock.nowMs);
  onTestFinished(() => spy.mockRestore());
  return clock;
}

it('is well as long as it comes round to read, and says so if it does not', async () => {
  const clock = stoppedClock();
  const problems: (string | undefined)[] = [];
  await captured((stop, running) => ({
    async next() {
      if (problems.length === 5) stop();
      // A read is asked for while the one before it is used.
      clock.nowMs += problems.length === 2 ? 150_000 : 10_000;
      problems.push(running().problem());
      return { events: [], token: token(1) };
    },
    async close() {},
  }));
  expect(problems[2]).toMatch(/^nothing was read from MongoDB or written to Kafka for 1[56]0 s$/);
  expect([problems[0], problems[1], problems[4]]).toEqual([undefined, undefined, undefined]);
});

it('says so if MongoDB does not answer, until it does', async () => {
  const clock = stoppedClock();
  const problems: (string | undefined)[] = [];
  await captured((stop, running) => ({
    async next() {
      problems.push(running().problem());
      if (problems.length === 7) stop();
      clock.nowMs += 50_000;
      if (problems.length > 1 && problems.length < 5) throw new Error('no primary');
      return { events: [], token: token(1) };
    },
    async close() {},
  }));
  const stalled = (seconds: number) => `nothing was read from MongoDB or written to Kafka for ${seconds} s`;
  // The sixth read is asked for while the answer of the fifth is used.
  expect(problems).toEqual([...Array(4).fill(undefined), stalled(150), stalled(200), undefined]);
});

it('ends a gap at the oldest change that there is, and now where that is before the position', () => {
  expect(endOfGap('6500000000000002', '6500000000000009', '6500000000000011')).toBe('6500000000000009');
  expect(endOfGap('6500000000000002', '6500000000000001', '6500000000000011')).toBe('6500000000000012');
  expect(endOfGap('6500000000000002', undefined, '6500000000000011')).toBe('6500000000000012');
});
