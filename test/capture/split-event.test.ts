import { BSON, type Document, Int32, MongoServerError } from 'mongodb';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { documentOf } from '../../src/capture/bson.js';
import { readEvent, type StreamedEvent } from '../../src/capture/change-event.js';
import { ChangeReader } from '../../src/capture/change-stream.js';
import type { EventStream, StreamStart } from '../../src/capture/collection.js';
import { readWhole, splitsLargeEvents } from '../../src/capture/split-event.js';

const OPTIONS = { fullDocument: 'updateLookup', preImages: true, maxAwaitMs: 10, readTimeoutMs: 50 } as const;

const event = (token: string, fields: Partial<StreamedEvent> = {}): StreamedEvent => ({
  token,
  operationType: '',
  ...fields,
});
const fragment = (token: string, number: number, of: number, fields: Partial<StreamedEvent> = {}) =>
  event(token, { splitEvent: { fragment: number, of }, ...fields });
const documentWith = (fields: Document) => documentOf(BSON.serialize(fields));

const SILENCE = Symbol('no answer at all');
type Answer = StreamedEvent | null | Error | typeof SILENCE;

/** Each read takes the next answer: an event, nothing for now, or an error. */
function reading(answers: readonly Answer[]): () => Promise<StreamedEvent | null> {
  const left = [...answers];
  return async () => {
    const answer = left.shift() ?? null;
    if (answer === SILENCE) return new Promise(() => {});
    if (answer instanceof Error) throw answer;
    return answer;
  };
}

describe('splitsLargeEvents', () => {
  it.each([
    [[5, 0, 0, 0], false],
    [[6, 0, 8], false],
    [[6, 0, 9], true],
    [[6, 3, 2], false],
    [[7, 0, 0], true],
    [[8, 1, 4], true],
    [[], false],
  ])('of %j: %s', (version, expected) => {
    expect(splitsLargeEvents(version)).toBe(expected);
  });
});

describe('readEvent', () => {
  it('finds the fields of a fragment', () => {
    const read = readEvent(BSON.serialize({ _id: { _data: '1' }, splitEvent: { fragment: 1, of: 2 }, ns: {} }));
    expect(read).toEqual(fragment('1', 1, 2));
  });
});

describe('readWhole', () => {
  it('gives an event that was not split as it is, and null if there is none', async () => {
    const whole = event('1', { operationType: 'insert' });
    expect(await readWhole(reading([whole]))).toBe(whole);
    expect(await readWhole(reading([null]))).toBeNull();
  });

  it('joins the fields of all fragments, under the token of the last one', async () => {
    const read = reading([
      fragment('1a', 1, 3, { operationType: 'update', documentKey: documentWith({ _id: 'o' }) }),
      fragment('1b', 2, 3, { fullDocumentBeforeChange: documentWith({ _id: 'o', n: 1 }) }),
      null,
      fragment('1c', 3, 3, { fullDocument: documentWith({ _id: 'o', n: 2 }) }),
      event('2'),
    ]);
    expect(await readWhole(read)).toEqual({
      token: '1c',
      operationType: 'update',
      documentKey: documentWith({ _id: 'o' }),
      fullDocumentBeforeChange: documentWith({ _id: 'o', n: 1 }),
      fullDocument: documentWith({ _id: 'o', n: 2 }),
    });
    expect(await readWhole(read)).toEqual(event('2'));
  });

  it.each([
    ['the first is missing', [fragment('1', 2, 3)], /fragment 2 of 3 came where fragment 1 of 3 .* was due/],
    ['one is missing', [fragment('1', 1, 3), fragment('1', 3, 3)], /fragment 3 of 3 came where fragment 2 of 3/],
    ['one comes twice', [fragment('1', 1, 2), fragment('1', 1, 2)], /fragment 1 of 2 came where fragment 2 of 2/],
    ['it was cut anew', [fragment('1', 1, 2), fragment('1', 2, 3)], /fragment 2 of 3 came where fragment 2 of 2/],
    ['another event comes', [fragment('1', 1, 2), event('2')], /a change came where fragment 2 of 2/],
    ['the rest never comes', [fragment('1', 1, 2)], /broke off after fragment 1 of 2: no more came/],
    ['the stream breaks', [fragment('1', 1, 2), new Error('closed')], /broke off after fragment 1 of 2: closed/],
  ])('says so when %s', async (_, answers, message) => {
    await expect(readWhole(reading(answers))).rejects.toMatchObject({
      code: 'SLUICE_MONGODB',
      message: expect.stringMatching(message),
    });
  });
});

/** A reader whose streams, one after another, give these answers; it notes where each stream started. */
function readerOf(...streams: (readonly Answer[])[]) {
  return readerAfter('start', ...streams);
}

function readerAfter(token: string, ...streams: (readonly Answer[])[]) {
  const starts: StreamStart[] = [];
  const source = {
    name: 'shop.orders',
    renewAfter() {},
    async watch(start: StreamStart): Promise<EventStream> {
      starts.push(start);
      const read = reading(streams[starts.length - 1]);
      return {
        async next() {
          const answer = await read();
          // There is a position after a fragment too; without an event the server says how far it looked.
          return { events: answer === null ? [] : [answer], token: answer?.token ?? 'idle' };
        },
        async close() {},
      };
    },
  };
  const reader = new ChangeReader(source, { token }, OPTIONS, pino({ level: 'silent' }));
  return { starts, reader, next: async () => (await reader.next(1000))[0] };
}

describe('ChangeReader', () => {
  it('never stands between the fragments of a change: it is read again from its first one', async () => {
    const { reader, starts, next } = readerOf(
      [event('1'), fragment('2a', 1, 2, { operationType: 'insert' }), new Error('connection closed')],
      [fragment('2a', 1, 2, { operationType: 'insert' }), fragment('2c', 2, 3)],
      [
        fragment('2a', 1, 2, { operationType: 'insert' }),
        fragment('2b', 2, 2, { fullDocument: documentWith({}) }),
        event('3'),
      ],
    );
    expect(await next()).toEqual(event('1'));
    expect(await next()).toBeUndefined();
    expect(reader.token).toBe('1');
    expect(await next()).toBeUndefined();
    expect(reader.token).toBe('1');
    expect(await next()).toEqual(event('2b', { operationType: 'insert', fullDocument: documentWith({}) }));
    expect(reader.token).toBe('2b');
    expect(starts).toEqual([{ token: 'start' }, { token: '1' }, { token: '1' }]);
  });

  it('waits for the next fragment of a change while answers are empty', async () => {
    const { starts, next } = readerOf([
      event('1'),
      fragment('2a', 1, 2, { operationType: 'insert' }),
      null,
      null,
      fragment('2b', 2, 2, { fullDocument: documentWith({}) }),
    ]);
    expect(await next()).toEqual(event('1'));
    expect(await next()).toEqual(event('2b', { operationType: 'insert', fullDocument: documentWith({}) }));
    expect(starts).toHaveLength(1);
  });

  it('opens the stream again if a read is never answered', async () => {
    const first = fragment('2a', 1, 2, { operationType: 'insert' });
    const { reader, starts, next } = readerOf(
      [event('1'), SILENCE],
      [first, SILENCE],
      [first, fragment('2b', 2, 2, { fullDocument: documentWith({}) })],
    );
    expect(await next()).toEqual(event('1'));
    expect(await next()).toBeUndefined();
    expect(await next()).toBeUndefined();
    expect(reader.token).toBe('1');
    expect(await next()).toEqual(event('2b', { operationType: 'insert', fullDocument: documentWith({}) }));
    expect(starts).toEqual([{ token: 'start' }, { token: '1' }, { token: '1' }]);
  });

  it('does not fall back to before a position that it gave while nothing changed', async () => {
    const { reader, starts, next } = readerOf([event('1'), null, new Error('connection closed')], [event('2')]);
    await next();
    await next();
    expect(reader.token).toBe('idle');
    await next();
    expect(reader.token).toBe('idle');
    expect(await next()).toEqual(event('2'));
    expect(starts).toEqual([{ token: 'start' }, { token: 'idle' }]);
  });

  it('reads again from the cluster time of a change that was cut, and stays at it until that came', async () => {
    const token = (n: number, end = '0004') => `826500000000000001${n}${n}${end}`;
    const { reader, starts, next } = readerAfter(token(2, '002B0204'), [
      null,
      event(token(1)),
      fragment(token(2, '002904'), 1, 3, { operationType: 'update' }),
      fragment(token(2, '002B0204'), 2, 3),
      fragment(token(2, '002B0404'), 3, 3),
      event(token(3)),
    ]);
    const positions: unknown[] = [];
    for (let reads = 0; reads < 4; reads++) positions.push([(await next())?.token, reader.token]);
    expect(positions).toEqual([
      [undefined, token(2, '002B0204')],
      [undefined, token(2, '002B0204')],
      [undefined, token(2, '002B0404')],
      [token(3), token(3)],
    ]);
    expect(starts).toEqual([{ time: '6500000000000001', after: token(2, '002B0204') }]);
  });

  it.each([
    [286, 'SLUICE_HISTORY_LOST', /no longer in the oplog/],
    [280, 'SLUICE_HISTORY_LOST', /no longer in the oplog/],
    [47, 'SLUICE_HISTORY_LOST', /a document before or after a change .* is no longer kept/],
    [10334, 'SLUICE_MONGODB', /larger than an answer of the server can be .*6\.0\.9/],
  ])('ends where no other stream would help: server error %i', async (code, expected, message) => {
    const { next } = readerOf([new MongoServerError({ message: 'refused', code: new Int32(code) })]);
    await expect(next()).rejects.toMatchObject({ code: expected, message: expect.stringMatching(message) });
  });
});
