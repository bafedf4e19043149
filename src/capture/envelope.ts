/**
 * Change event → Kafka message: one JSON object with the document's fields at its top level, less `_id`, after the
 * fields that say what happened.
 */
import { createHash } from 'node:crypto';
import { OPERATION } from '../core/operations.js';
import { type BsonValue, documentOf, endOf, FIRST, isNothing, memberOf, nameEnd, TYPE, valueAt } from './bson.js';
import type { ChangeEvent } from './change-event.js';
import { JsonText, jsonOf } from './json.js';
import type { CaptureMasks } from './masks.js';
import { markerId, type OrderId, orderIdOf } from './order-id.js';
import { OWN_FIELDS } from './own-fields.js';
import { changeIdOf, timeOf } from './resume-token.js';

export interface EnvelopeOptions {
  /** Where the order id is in the document; undefined: the `_id`. */
  readonly orderIdPath: string | undefined;
  /** Where the event time is in the document; undefined: when the server saw the change. */
  readonly eventTimePath: string | undefined;
  /** What documents are masked by before they are written; undefined: they are as they are. */
  readonly masks?: CaptureMasks | undefined;
}

export interface CapturedMessage {
  readonly key: string;
  readonly orderId: OrderId;
  /** JSON in UTF-8. */
  readonly value: Buffer;
  /** Bytes of key and value. */
  readonly bytes: number;
  readonly operation: string;
  readonly changeId: string;
}

/** Operations of a collection that are changes of one document. */
const DOCUMENT_OPERATIONS = new Set(['insert', 'update', 'replace', 'delete']);

const LONGEST_OWN_FIELD = 13;
/** Of an id that is cut: in UTF-16 units, so that an entry with two of them fits into the least MAX_MESSAGE_BYTES. */
const CUT_ID_LENGTH = 64;

const written = new JsonText();

export function isDocumentChange(event: ChangeEvent): boolean {
  return DOCUMENT_OPERATIONS.has(event.operationType);
}

/** Whether a change that left a document does not have it. */
export function lacksDocument({ operationType, fullDocument }: ChangeEvent): boolean {
  return operationType !== OPERATION.delete && isNothing(fullDocument);
}

/** The message of a change of one document. */
export function changeMessage(event: ChangeEvent, options: EnvelopeOptions): CapturedMessage {
  const { fullDocument, fullDocumentBeforeChange, updateDescription } = event;
  const id = memberOf(event.documentKey, '_id');
  const isDelete = event.operationType === OPERATION.delete;
  const isGone = lacksDocument(event);
  const known = isNothing(fullDocument) ? fullDocumentBeforeChange : fullDocument;
  const { orderIdPath, eventTimePath, masks } = options;
  const orderId = orderIdPath === undefined ? id : valueAt(known, orderIdPath);
  const eventTime = eventTimePath === undefined ? undefined : valueAt(known, eventTimePath);
  return message({
    changeId: masks?.changeId(timeOf(event), event.token) ?? changeIdOf(event),
    operation: isGone ? OPERATION.vanished : event.operationType,
    orderId: orderIdOf(isNothing(orderId) ? id : orderId),
    eventTime: isNothing(eventTime) ? event.wallTime : eventTime,
    clusterTime: event.clusterTime,
    document: isDelete || isGone ? undefined : fullDocument,
    update: isGone ? updateDescription : undefined,
    masks,
  });
}

/** Of which collection and time a snapshot is. */
export interface SnapshotOf {
  /** database.collection */
  readonly source: string;
  /** 16 hex digits: seconds and increment. */
  readonly time: string;
}

/** The message of a document of a snapshot. Read again for the same snapshot it has the same change id. */
export function snapshotMessage(
  bytes: Uint8Array,
  snapshot: SnapshotOf,
  { orderIdPath, eventTimePath, masks }: EnvelopeOptions,
): CapturedMessage {
  const document = documentOf(bytes);
  const id = memberOf(document, '_id');
  const orderId = orderIdPath === undefined ? id : valueAt(document, orderIdPath);
  const eventTime = eventTimePath === undefined ? undefined : valueAt(document, eventTimePath);
  const milliseconds = Number.parseInt(snapshot.time.slice(0, 8), 16) * 1e3;
  return message({
    changeId:
      masks?.changeId(snapshot.time, `${snapshot.source} ${jsonOf(id)}`) ?? snapshotChangeId(snapshot, jsonOf(id)),
    operation: OPERATION.snapshot,
    orderId: orderIdOf(isNothing(orderId) ? id : orderId),
    eventTime: isNothing(eventTime) ? `{"$date":{"$numberLong":"${milliseconds}"}}` : eventTime,
    clusterTime: undefined,
    document,
    update: undefined,
    masks,
  });
}

/** Says in each partition where a snapshot begins and ends: orders that it does not have are gone. */
export function markerMessage(snapshot: SnapshotOf, end: 'begin' | 'end', partition: number): CapturedMessage {
  return message({
    changeId: snapshotChangeId(snapshot, `${end} ${partition}`),
    operation: end === 'begin' ? OPERATION.snapshotBegin : OPERATION.snapshotEnd,
    orderId: markerId(snapshot.time, end),
    eventTime: undefined,
    clusterTime: undefined,
    document: undefined,
    update: undefined,
    masks: undefined,
  });
}

/**
 * What goes to the topic of messages that are too large for their own. Ids that would make it too large as well (they
 * may be as large as a document) are cut; the hash then tells them apart.
 * @param limit in bytes, of key and value
 */
export function oversizeMessage(captured: CapturedMessage, limit: number): CapturedMessage {
  const { key, orderId, bytes, operation, changeId } = captured;
  const { text: order_id, type: order_id_type } = orderId;
  const entry = { change_id: changeId, operation, order_id, order_id_type, bytes, limit };
  const whole = withValue(captured, key, entry);
  if (whole.bytes <= limit) return whole;
  const order_id_sha256 = createHash('sha256').update(key).digest('hex');
  const start = { change_id: cut(changeId), order_id: cut(order_id), order_id_sha256 };
  return withValue(captured, order_id_sha256, { ...entry, ...start });
}

function withValue(captured: CapturedMessage, key: string, entry: object): CapturedMessage {
  const value = Buffer.from(JSON.stringify(entry));
  return { ...captured, key, value, bytes: Buffer.byteLength(key) + value.length };
}

function cut(id: string): string {
  return id.length > CUT_ID_LENGTH ? `${id.slice(0, CUT_ID_LENGTH)}…` : id;
}

/** In the layout of a resume token of MongoDB, so that it sorts with those of the stream. */
function snapshotChangeId({ source, time }: SnapshotOf, what: string): string {
  const hash = createHash('sha256').update(`${source} ${what}`).digest('hex');
  return `82${time}${hash.slice(0, 32).toUpperCase()}`;
}

interface Parts {
  readonly changeId: string;
  readonly operation: string;
  readonly orderId: OrderId;
  /** A value, or JSON text. */
  readonly eventTime: BsonValue | string | undefined;
  readonly clusterTime: BsonValue | undefined;
  readonly document: BsonValue | undefined;
  /** What is known of the update of a document that is gone. */
  readonly update: BsonValue | undefined;
  readonly masks: CaptureMasks | undefined;
}

function message(parts: Parts): CapturedMessage {
  const { changeId, operation, eventTime, clusterTime, document, update, masks } = parts;
  const orderId = masks?.orderId(parts.orderId) ?? parts.orderId;
  written.ascii(`{"change_id":"${changeId}","operation":"${operation}","order_id":`);
  written.text(orderId.text);
  written.ascii(`,"order_id_type":"${orderId.type}"`);
  if (typeof eventTime === 'string') written.ascii(`,"event_time":${eventTime}`);
  else writeField('event_time', eventTime);
  writeField('cluster_time', clusterTime);
  if (masks === undefined) writeField('update', update);
  else if (update !== undefined) writeMaskedUpdate(update, masks);
  if (document !== undefined) writeMembers(document, masks);
  written.ascii('}');
  const value = written.take();
  const { key } = orderId;
  return { key, orderId, value, bytes: Buffer.byteLength(key) + value.length, operation, changeId };
}

function writeField(name: string, value: BsonValue | undefined): void {
  if (value === undefined) return;
  written.ascii(`,"${name}":`);
  written.value(value.bytes, value.type, value.at);
}

/** The values of an update are in `updatedFields`, by their paths; all else in it are names and sizes. */
function writeMaskedUpdate({ bytes, type, at: start }: BsonValue, masks: CaptureMasks): void {
  written.ascii(',"update":');
  const all = masks.fields.members.get('update');
  if (type !== TYPE.document || all?.mask !== undefined) {
    written.value(bytes, type, start, all);
    return;
  }
  written.ascii('{');
  for (let at = start + FIRST; bytes[at] !== 0; ) {
    const end = nameEnd(bytes, at + 1);
    if (at !== start + FIRST) written.ascii(',');
    if (bytes.toString('latin1', at + 1, end) === 'updatedFields') {
      written.ascii('"updatedFields":');
      written.value(bytes, bytes[at], end + 1, masks.updated);
    } else written.member(bytes, bytes[at], at + 1);
    at = endOf(bytes, bytes[at], end + 1);
  }
  written.ascii('}');
}

/** The document's fields, in its order; those with names of the envelope's own are put into `document` after them. */
function writeMembers({ bytes, at: start }: BsonValue, masks: CaptureMasks | undefined): void {
  const clashing: number[] = [];
  for (let at = start + FIRST; bytes[at] !== 0; ) {
    const end = nameEnd(bytes, at + 1);
    const name = end - at - 1 > LONGEST_OWN_FIELD ? undefined : bytes.toString('latin1', at + 1, end);
    if (name !== undefined && OWN_FIELDS.has(name)) clashing.push(at);
    else if (name !== '_id') {
      written.ascii(',');
      written.member(bytes, bytes[at], at + 1, masks?.fields);
    }
    at = endOf(bytes, bytes[at], end + 1);
  }
  if (clashing.length > 0 && masks?.clashing.mask !== undefined) {
    // Only `ignore` masks all of it.
    written.ascii(',"document":null');
    return;
  }
  for (const [index, at] of clashing.entries()) {
    written.ascii(index === 0 ? ',"document":{' : ',');
    written.member(bytes, bytes[at], at + 1, masks?.clashing);
  }
  if (clashing.length > 0) written.ascii('}');
}
