/** Both ways from Kafka into a chunk, held to the same contract. */
import { setTimeout } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { bit, Chunk } from '../../src/core/chunk.js';
import { KafkaSource } from '../../src/kafka/kafka-source.js';
import { PackedReader } from '../../src/kafka/packed-reader.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { silent } from '../support/fakes.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import {
  type ConsumedMessage,
  consumeAll,
  createTopic,
  endOffsets,
  produce,
  produceTransaction,
  type TestMessage,
} from '../support/produce.js';

const addonIsPacked = PackedReader.isSupported(new kafka.KafkaConsumer({ 'group.id': 'probe' }, {}));
const FILL_MS = 200;
const NOWHERE = { brokers: '127.0.0.1:9', topic: 'none', groupId: 'none', instanceId: 'none', properties: {} };
const LONG = { timeout: 60_000 };

describeKafka('readers', (bootstrap) => {
  describe.each(addonIsPacked ? (['stock', 'packed'] as const) : (['stock'] as const))('%s', LONG, (reader) => {
    /** A topic with these messages, and a source that holds its partitions but reads nothing yet. */
    async function openSource(messages: Iterable<TestMessage>, partitions = 4) {
      const topic = uniqueTopic(`reader-${reader}`);
      await createTopic(bootstrap(), topic, partitions);
      await produce(bootstrap(), topic, messages);
      const properties = { 'session.timeout.ms': '6000', 'heartbeat.interval.ms': '500' };
      const source = new KafkaSource(
        { brokers: bootstrap(), topic, groupId: topic, instanceId: 'one', reader, properties },
        silent,
      );
      expect(source.reader).toBe(reader);
      onTestFinished(() => source.close());
      await source.start();
      await vi.waitFor(
        async () => {
          await source.fill(new Chunk(), 50);
          expect(source.pollAssignment()).toMatchObject({ kind: 'assigned' });
        },
        { timeout: 30_000, interval: 0 },
      );
      return { source, topic };
    }

    const from = (nextOffsets: Iterable<readonly [partition: number, nextOffset: number]>) =>
      [...nextOffsets].map(([partition, nextOffset]) => ({ partition, nextOffset, leaderEpoch: undefined }));
    const fromStart = (partitions = 4) => from(Array.from({ length: partitions }, (_, partition) => [partition, 0]));

    it('delivers every byte, key, offset and timestamp, and tells null from empty', async () => {
      const events = [...orderEvents({ count: 6000, shares: EQUAL_SHARES })];
      const odd: TestMessage[] = [null, '', 'key'].flatMap((key) =>
        [null, '', Buffer.from([0, 0xff, 10])].map((value) => ({ key, value, partition: 1 })),
      );
      const { source, topic } = await openSource([...events, ...odd]);
      source.assign(fromStart());
      const { messages, ends } = await readToEnd(source, 4);
      expect(ends).toEqual(await endOffsets(bootstrap(), topic));
      expectSame(messages, await consumeAll(bootstrap(), topic));
    });

    it('passes over aborted transactions and markers, to the end of the log', async () => {
      const { source, topic } = await openSource([{ partition: 0, value: 'before' }], 1);
      const inTransaction = [{ partition: 0, value: 'in' }];
      await produceTransaction(bootstrap(), topic, inTransaction, 'commit');
      await produceTransaction(bootstrap(), topic, [{ partition: 0, value: 'never' }], 'abort');
      source.assign(fromStart(1));
      const { messages, ends } = await readToEnd(source, 1);
      expect(messages.map(({ offset, value }) => [offset, String(value)])).toEqual([
        [0, 'before'],
        [1, 'in'],
      ]);
      // Two messages with a marker after each transaction.
      expect(ends).toEqual([5]);
    });

    it('asks for space if the next message does not fit, and then delivers it', async () => {
      const big = Buffer.alloc(3 << 20, 'b');
      const longKey = 'k'.repeat(100_000);
      const { source } = await openSource(
        [
          { partition: 0, key: 'a', value: 'first' },
          { partition: 0, key: 'b', value: big },
          { partition: 0, key: longKey, value: 'third' },
          { partition: 0, key: 'd', value: 'last' },
        ],
        1,
      );
      source.assign(fromStart(1));
      const asked: [number, number][] = [];
      const { messages } = await readToEnd(source, 1, (valueBytes, keyBytes) => {
        asked.push([valueBytes, keyBytes]);
        return new Chunk(undefined, valueBytes, keyBytes);
      });
      expect(asked).toEqual([
        [big.length, 1],
        [5, longKey.length],
      ]);
      expect(messages.map(({ value }) => value!.length)).toEqual([5, big.length, 5, 4]);
      expect(messages[1].value!.equals(big)).toBe(true);
      expect(String(messages[2].key)).toBe(longKey);
    });

    it('fills no more than a chunk may take, and one partition at a time', async () => {
      const { source } = await openSource(orderEvents({ count: 500, shares: {} }));
      source.assign(fromStart());
      const { messages } = await readToEnd(source, 4, undefined, () => new Chunk(7));
      expect(messages).toHaveLength(500);
      for (const partition of [0, 1, 2, 3]) {
        const offsets = messages.filter((message) => message.partition === partition).map(({ offset }) => offset);
        expect(offsets).toEqual(offsets.map((_, index) => index));
      }
    });

    it('starts again where it is assigned, and delivers nothing that it had taken before', async () => {
      const { source } = await openSource(
        Array.from({ length: 5000 }, (_, n) => ({ partition: n % 2, value: `${n}` })),
        2,
      );
      /** A chunk of few bytes: most of what one call takes from librdkafka is held back for the next. */
      const takeSome = async () => {
        source.assign(fromStart(2));
        const small = () => source.fill(new Chunk(undefined, 64), FILL_MS);
        await vi.waitFor(async () => expect(await small()).toMatchObject({ kind: 'rows' }), { timeout: 10_000 });
      };
      const expectFrom = async (starts: readonly [number, number][]) => {
        source.assign(from(starts));
        const { messages } = await readToEnd(source, starts.length);
        for (const [partition, start] of starts) {
          const offsets = messages.filter((message) => message.partition === partition).map(({ offset }) => offset);
          expect(offsets).toEqual(Array.from({ length: 2500 - start }, (_, n) => start + n));
        }
      };
      for (const [first, second] of [
        [0, 0],
        [100, 2000],
        [2400, 10],
        [0, 2499],
      ]) {
        await takeSome();
        await expectFrom([
          [0, first],
          [1, second],
        ]);
      }
      await takeSome();
      source.unassign([0, 1]);
      expect(await source.fill(new Chunk(), FILL_MS)).toEqual({ kind: 'idle' });
      await expectFrom([[1, 2490]]);
    });

    it('reads many partitions', async () => {
      const messages = Array.from({ length: 4000 }, (_, n) => ({ partition: n % 60, value: `${n}` }));
      const { source } = await openSource(messages, 60);
      source.assign(fromStart(60));
      expect((await readToEnd(source, 60)).messages.map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(
        messages.map((_, n) => n),
      );
    });

    it('reports a position that is gone', async () => {
      const { source } = await openSource([{ partition: 0, value: 'v' }], 2);
      source.assign(from([[1, 5000]]));
      const gone = async () => {
        for (;;) await source.fill(new Chunk(), FILL_MS);
      };
      await expect(gone()).rejects.toMatchObject({ code: 'SLUICE_OFFSET_OUT_OF_RANGE' });
    });

    // The stock client loses an error after messages of the same call; the pipeline looks for it when nothing comes.
    it.skipIf(reader === 'stock')('loses neither messages nor errors if it has both', async () => {
      const { source } = await openSource(
        Array.from({ length: 400 }, (_, n) => ({ partition: (n % 4) * 2, value: 'v' })),
        8,
      );
      source.assign(from([0, 5000, 0, 5000, 0, 5000, 0, 5000].entries()));
      // Time for all to be queued: in no fixed order, so that some errors come after messages.
      await setTimeout(1000);
      const errors: string[] = [];
      let rows = 0;
      for (let fills = 0; fills < 40 && (rows < 400 || errors.length < 4); fills++) {
        const chunk = new Chunk();
        await source.fill(chunk, FILL_MS).catch(({ code }) => errors.push(code));
        rows += chunk.rows;
      }
      expect(rows).toBe(400);
      expect(errors).toEqual(new Array(4).fill('SLUICE_OFFSET_OUT_OF_RANGE'));
    });

    it('outlives garbage collection of the chunk, and being closed, while it waits', async () => {
      const { source } = await openSource([{ partition: 0, value: 'v' }], 1);
      source.assign(fromStart(1));
      await readToEnd(source, 1);
      setFlagsFromString('--expose-gc');
      const collectGarbage = runInNewContext('gc') as () => void;
      const waiting = source.fill(new Chunk(), 500);
      for (let round = 0; round < 5; round++) collectGarbage();
      expect(await waiting).toEqual({ kind: 'idle' });
      const abandoned = source.fill(new Chunk(), 1000).catch(() => {});
      await source.close();
      await abandoned;
    });
  });
});

describe('an addon without consumePacked', () => {
  it('is read with the stock reader, and refused if the packed one is asked for', () => {
    const { _client } = new kafka.KafkaConsumer({ 'group.id': 'probe' }, {}) as unknown as { _client: object };
    const prototype = Object.getPrototypeOf(_client) as { consumePacked?: unknown };
    const { consumePacked } = prototype;
    delete prototype.consumePacked;
    onTestFinished(() => {
      if (consumePacked !== undefined) prototype.consumePacked = consumePacked;
    });
    expect(new KafkaSource({ ...NOWHERE, reader: 'auto' }, silent).reader).toBe('stock');
    expect(() => new KafkaSource({ ...NOWHERE, reader: 'packed' }, silent)).toThrow(
      expect.objectContaining({ code: 'SLUICE_CONFIG', message: expect.stringContaining('npm run setup') }),
    );
  });
});

it.each([true, false])('gives up a client that a broker keeps from its end, if it is to (%j)', async (isBounded) => {
  vi.useFakeTimers({ toFake: ['setTimeout'] });
  const { prototype } = kafka.KafkaConsumer;
  const mocks = [
    vi.spyOn(prototype, 'isConnected').mockReturnValue(true),
    vi.spyOn(prototype, 'subscription').mockReturnValue([]),
    vi.spyOn(prototype, 'disconnect').mockReturnThis(),
  ];
  onTestFinished(() => {
    vi.useRealTimers();
    for (const mock of mocks) mock.mockRestore();
  });
  const closed = vi.fn();
  void new KafkaSource({ ...NOWHERE, reader: 'auto' }, silent).close(isBounded).then(closed);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(closed).toHaveBeenCalledTimes(isBounded ? 1 : 0);
});

/** Reads until as many partitions have ended. @param onOversize makes the chunk for a message that did not fit */
async function readToEnd(
  source: KafkaSource,
  partitions: number,
  onOversize: (valueBytes: number, keyBytes: number) => Chunk = () => expect.unreachable('every message fits'),
  newChunk = () => new Chunk(),
): Promise<{ messages: ConsumedMessage[]; ends: number[] }> {
  const messages: ConsumedMessage[] = [];
  const ends = new Map<number, number>();
  let chunk = newChunk();
  let idleFills = 0;
  while (ends.size < partitions) {
    expect(idleFills, 'fills without a message, though not all partitions have ended').toBeLessThan(50);
    const fill = await source.fill(chunk, FILL_MS);
    if (fill.kind === 'idle') idleFills++;
    else if (fill.kind === 'eof') ends.set(fill.partition, fill.nextOffset);
    else if (fill.kind === 'oversize') chunk = onOversize(fill.valueBytes, fill.keyBytes);
    else if (fill.kind === 'rows') {
      expect(fill.rows).toBe(chunk.rows);
      expect(chunk.rows).toBeLessThanOrEqual(chunk.rowLimit);
      messages.push(...messagesOf(chunk, fill.partition));
      expect(messages.at(-1)!.offset + 1).toBe(fill.nextOffset);
      chunk = newChunk();
    }
  }
  return { messages, ends: [...ends].sort(([a], [b]) => a - b).map(([, end]) => end) };
}

function messagesOf(chunk: Chunk, partition: number): ConsumedMessage[] {
  const { offsets, timestamps, values, valueOffsets, valueValidity, keys, keyOffsets, keyValidity } = chunk.views;
  expect([valueOffsets[0], valueOffsets[chunk.rows]]).toEqual([0, chunk.valueBytes]);
  expect([keyOffsets[0], keyOffsets[chunk.rows]]).toEqual([0, chunk.keyBytes]);
  const piece = (bytes: Uint8Array, at: Int32Array, valid: Uint8Array, row: number) =>
    bit(valid, row) ? Buffer.from(bytes.slice(at[row], at[row + 1])) : null;
  return Array.from({ length: chunk.rows }, (_, row) => ({
    partition,
    offset: Number(offsets[row]),
    timestamp: Number(timestamps[row]),
    key: piece(keys, keyOffsets, keyValidity, row),
    value: piece(values, valueOffsets, valueValidity, row),
  }));
}

/** Shows the first difference only: a diff of thousands of messages would take minutes. */
function expectSame(...lists: [ConsumedMessage[], ConsumedMessage[]]): void {
  const [got, wanted] = lists.map((list) => list.sort((a, b) => a.partition - b.partition || a.offset - b.offset));
  const at = got.findIndex((message, index) => !isDeepStrictEqual(message, wanted[index]));
  expect(got[at]).toEqual(wanted[at]);
  expect(got).toHaveLength(wanted.length);
}
