/** Where a stream continues after a change that is cut into other fragments when it is read again. */
import { BSON, MongoClient, MongoServerError } from 'mongodb';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type ChangeEvent, readEvent } from '../../src/capture/change-event.js';
import { ChangeReader } from '../../src/capture/change-stream.js';
import { CapturedCollection, type EventStream, type StreamStart, timeAfter } from '../../src/capture/collection.js';
import { tokenOfChange } from '../../src/capture/resume-token.js';
import { type ReplicaSet, startReplicaSet } from '../support/mongo/server.js';

/** Larger changes are cut. */
const SPLIT_BYTES = 500;
const LARGE = 'x'.repeat(SPLIT_BYTES);
const OPTIONS = { fullDocument: 'updateLookup', preImages: false, maxAwaitMs: 20, readTimeoutMs: 10_000 } as const;
const LOG = pino({ level: 'silent' });

interface Order {
  readonly _id: string;
  readonly note?: string;
}

const timeBefore = (time: string) => (BigInt(`0x${time}`) - 1n).toString(16).padStart(16, '0').toUpperCase();
/** How the token of a change ends that came in so many pieces. */
const endOf = (pieces: number) => (pieces === 1 ? '0004' : `002B${(2 * (pieces - 1)).toString(16).padStart(2, '0')}04`);

describe('ChangeReader', () => {
  let server: ReplicaSet;
  let client: MongoClient;

  beforeAll(async () => {
    server = await startReplicaSet({ version: 7, splitBytes: SPLIT_BYTES });
    client = await new MongoClient(server.uri).connect();
  }, 120_000);
  afterAll(async () => {
    await client.close();
    await server.kill();
  });

  /** A collection with one order, the position after it, and what reads from a position until after so many inserts. */
  async function setUp(collection: string) {
    const source = await CapturedCollection.connect({ uri: server.uri, database: 'shop', collection }, LOG);
    onTestFinished(() => source.close());
    const orders = client.db('shop').collection<Order>(collection);
    await orders.insertOne({ _id: 'a' });
    const start = { time: timeAfter(await source.operationTime()) };
    async function readAll(from: StreamStart, inserts: number) {
      const reader = new ChangeReader(source, from, OPTIONS, LOG);
      onTestFinished(() => reader.close());
      const changes: ChangeEvent[] = [];
      const inserted = () => changes.filter(({ operationType }) => operationType === 'insert').length;
      while (inserted() < inserts) changes.push(...(await reader.next(1000)));
      expect(tokenOfChange(reader.token ?? '')).toBe(tokenOfChange(changes.at(-1)?.token ?? ''));
      return changes.map(({ token }) => token);
    }
    return { orders, start, readAll };
  }

  // What the update sets; what is there when it is read, and when it is read again.
  it.each([
    ['in one piece, not in 3', 'new', LARGE, '', 3, 1],
    ['in one piece as its document is gone, not in 3', 'new', LARGE, undefined, 3, 1],
    ['in 4 pieces, not in 2', LARGE, '', LARGE, 2, 4],
    ['in 2 pieces, not in 4', LARGE, LARGE, '', 4, 2],
    ['in 4 pieces as before', LARGE, LARGE, `${LARGE}.`, 4, 4],
    ['in 3 pieces, not in one', 'new', '', LARGE, 1, 3],
    ['in one piece as before', 'new', '', 'newer', 1, 1],
  ])('continues right after a change that comes again %s', async (name, update, then, later, before, after) => {
    const { orders, start, readAll } = await setUp(name);
    const setNote = (note: string) => orders.updateOne({ _id: 'a' }, { $set: { note } });
    await setNote(update);
    if (then !== update) await setNote(then);
    await orders.insertOne({ _id: 'b' });
    const [token = ''] = await readAll(start, 1);
    await (later === undefined ? orders.deleteOne({ _id: 'a' }) : setNote(later));
    await orders.insertOne({ _id: 'c' });
    const [again = '', ...rest] = await readAll(start, 2);
    expect([token.slice(-8), again.slice(-8)]).toEqual(
      [before, after].map((pieces) => expect.stringMatching(endOf(pieces))),
    );
    expect((await readAll({ token }, 2)).map(tokenOfChange)).toEqual(rest.map(tokenOfChange));
  });

  it.each([
    ['a whole change', '0004'],
    ['a fragment', '002B0204'],
  ])('says that history is lost where the token is of %s that does not come again', async (name, end) => {
    const { orders, readAll } = await setUp(name);
    // Of the order that the collection began with, whose cluster time another collection has too.
    const other = await setUp(`${name}, other`);
    await orders.insertOne({ _id: 'b' });
    const token = `82${timeBefore(other.start.time)}${end}`;
    await expect(readAll({ token }, 1)).rejects.toMatchObject({
      code: 'SLUICE_HISTORY_LOST',
      message: expect.stringMatching(/the position of shop\..* not the one at the position/),
    });
  });
});

it('reads from the time of a change once: what fails after it again is lost', async () => {
  const token = '8265000000000000010004';
  const starts: StreamStart[] = [];
  const source = {
    name: 'shop.orders',
    renewAfter() {},
    async watch(start: StreamStart): Promise<EventStream> {
      starts.push(start);
      let reads = 0;
      return {
        async next() {
          if ('token' in start || reads++ > 0) throw new MongoServerError({ message: 'cannot resume', code: 280 });
          const event = { _id: { _data: token }, operationType: 'delete', documentKey: { _id: 'a' } };
          return { events: [readEvent(BSON.serialize(event))], token };
        },
        async close() {},
      };
    },
  };
  const reader = new ChangeReader(source, { token }, OPTIONS, LOG);
  const readOn = async () => {
    for (let reads = 0; reads < 20; reads++) await reader.next(1000);
  };
  await expect(readOn()).rejects.toMatchObject({ code: 'SLUICE_HISTORY_LOST' });
  expect(starts.map((start) => 'time' in start)).toEqual([false, true]);
});
