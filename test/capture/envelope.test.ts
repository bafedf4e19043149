import { BSON, type Document, Int32, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { readEvent } from '../../src/capture/change-event.js';
import { changeMessage, markerMessage, oversizeMessage, snapshotMessage } from '../../src/capture/envelope.js';
import { anyDocument, anyValue } from '../support/bson-kinds.js';
import { Random } from '../support/random.js';
import { referenceMessage } from '../support/reference-message.js';

const PLAIN = { orderIdPath: undefined, eventTimePath: undefined };
const TIME = '6500000000000001';

const bytesOf = (more: Document) =>
  BSON.serialize({
    _id: { _data: '82650000000000000100' },
    operationType: 'update',
    clusterTime: new Timestamp({ t: 0x65000000, i: 1 }),
    wallTime: new Date(5),
    documentKey: { _id: 'o-1' },
    ...more,
  });

const event = (more: Document) => readEvent(bytesOf(more));

const parsed = (message: { value: Buffer }) => JSON.parse(message.value.toString());

describe('changeMessage', () => {
  it('has the fields of the document at its top level', () => {
    const message = changeMessage(event({ fullDocument: { _id: 'o-1', status: 'paid', n: new Int32(1) } }), PLAIN);
    expect(message.key).toBe('o-1');
    expect(parsed(message)).toEqual({
      change_id: '82650000000000000100',
      operation: 'update',
      order_id: 'o-1',
      order_id_type: 'string',
      event_time: { $date: { $numberLong: '5' } },
      cluster_time: { $timestamp: { t: 0x65000000, i: 1 } },
      status: 'paid',
      n: 1,
    });
    expect(message.bytes).toBe(Buffer.byteLength(message.key) + message.value.length);
  });

  it('keeps fields of the document that have the names of its own', () => {
    const message = changeMessage(event({ fullDocument: { _id: 1, operation: 'mine', document: 'x' } }), PLAIN);
    expect(parsed(message)).toMatchObject({ operation: 'update', document: { operation: 'mine', document: 'x' } });
  });

  it('takes order id and event time from their paths, also in the document before a delete', () => {
    const options = { orderIdPath: 'order.id', eventTimePath: 'at' };
    const document = { _id: 'x', order: { id: 'o-9' }, at: '2026-01-01' };
    expect(parsed(changeMessage(event({ fullDocument: document }), options))).toMatchObject({
      order_id: 'o-9',
      event_time: '2026-01-01',
    });
    const deleted = event({ operationType: 'delete', fullDocumentBeforeChange: document });
    const message = changeMessage(deleted, options);
    expect(parsed(message)).toMatchObject({ operation: 'delete', order_id: 'o-9' });
    expect(parsed(message)).not.toHaveProperty('order');
  });

  it('makes no order of a document that is already deleted', () => {
    const updateDescription = { updatedFields: { status: 'paid' }, removedFields: [] };
    const message = changeMessage(event({ fullDocument: null, updateDescription }), PLAIN);
    expect(parsed(message)).toMatchObject({ operation: 'vanished', order_id: 'o-1', update: updateDescription });
    expect(parsed(message)).not.toHaveProperty('status');
  });
});

describe('a message', () => {
  const OWN = ['change_id', 'operation', 'order_id', 'order_id_type', 'event_time', 'cluster_time', 'document'];

  /** Fields with the envelope's names in the envelope's order, in which the reference writes them. */
  function ordered(document: Document): Document {
    return Object.fromEntries(Object.entries(document).sort(([a], [b]) => OWN.indexOf(a) - OWN.indexOf(b)));
  }

  it('has the bytes that it has by way of objects, for documents with values of every type', () => {
    const random = new Random(5);
    const names = ['_id', 'a', 'a name longer than those', 'ünï', ...OWN];
    for (let n = 0; n < 3000; n++) {
      const bytes = bytesOf({
        documentKey: { _id: anyValue(random) },
        operationType: random.pick(['insert', 'update', 'replace', 'delete']),
        fullDocument: random.pick([null, anyDocument(random), ordered(anyDocument(random, 3, names))]),
        updateDescription: anyDocument(random),
      });
      const { key, value } = changeMessage(readEvent(bytes), PLAIN);
      const expected = referenceMessage(bytes);
      expect(key).toBe(expected.key);
      expect(value.toString()).toBe(expected.value);
      expect(value.equals(Buffer.from(expected.value))).toBe(true);
    }
  });
});

describe('snapshotMessage', () => {
  const make = (id: string, time = TIME, source = 'shop.orders') =>
    snapshotMessage(BSON.serialize({ _id: id, status: 'paid' }), { source, time }, PLAIN);

  it('has the same change id each time it is made, with the time where resume tokens have theirs', () => {
    expect(make('a')).toEqual(make('a'));
    expect(make('a').changeId).toMatch(new RegExp(`^82${TIME}[0-9A-F]{32}$`));
    expect(new Set([make('a'), make('b'), make('a', '6500000000000002')].map(({ changeId }) => changeId)).size).toBe(3);
    expect(parsed(make('a'))).toMatchObject({ operation: 'snapshot', order_id: 'a', status: 'paid' });
  });

  it('has another change id for another collection', () => {
    expect(make('a', TIME, 'shop.archive').changeId).not.toBe(make('a').changeId);
    const marker = (source: string) => markerMessage({ source, time: TIME }, 'begin', 0).changeId;
    expect(marker('shop.archive')).not.toBe(marker('shop.orders'));
  });
});

describe('oversizeMessage', () => {
  it('says what was left out', () => {
    const large = changeMessage(event({ fullDocument: { _id: 'o-1', note: 'x'.repeat(5000) } }), PLAIN);
    expect(parsed(oversizeMessage(large, 1000))).toEqual({
      change_id: large.changeId,
      operation: 'update',
      order_id: 'o-1',
      order_id_type: 'string',
      bytes: large.bytes,
      limit: 1000,
    });
  });
});
