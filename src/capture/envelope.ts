/**
 * Change event → Kafka message: one JSON object with the document's fields at its top level, less `_id`, behind the
 * fields that say what happened.
 */
import { createHash } from 'node:crypto';
import type { Timestamp } from 'mongodb';
import { jsonOf, keyOf, membersOf, valueAt } from './json.js';

export interface EnvelopeOptions {
  /** Where the order id is in the document; undefined: the `_id`. */
  readonly orderIdPath: string | undefined;
  /** Where the event time is in the document; undefined: when the server saw the change. */
  readonly eventTimePath: string | undefined;
}

export interface CapturedMessage {
  readonly key: string;
  readonly value: string;
  /** Bytes of key and value. */
  readonly bytes: number;
  readonly operation: string;
  readonly changeId: string;
}

/** The part of a change event that matters here. */
export interface ChangeEvent {
  readonly _id: { readonly _data: string };
  readonly operationType: string;
  readonly clusterTime?: Timestamp;
  readonly wallTime?: Date;
  readonly documentKey?: { readonly _id: unknown };
  readonly fullDocument?: Readonly<Record<string, unknown>> | null;
  readonly fullDocumentBeforeChange?: Readonly<Record<string, unknown>> | null;
  readonly updateDescription?: Readonly<Record<string, unknown>>;
}

/** Operations of a collection that are changes of one document. */
const DOCUMENT_OPERATIONS = new Set(['insert', 'update', 'replace', 'delete']);
/** Of an update whose document was gone before it could be looked up: the delete that follows has the last word. */
const VANISHED = 'vanished';

/** The envelope's own fields; fields of the document with these names are kept in `document`. */
const OWN_FIELDS = ['change_id', 'operation', 'order_id', 'event_time', 'cluster_time', 'document'];
const LEFT_OUT = new Set(['_id', ...OWN_FIELDS]);

export function isDocumentChange(event: ChangeEvent): boolean {
  return DOCUMENT_OPERATIONS.has(event.operationType);
}

/** Whether a change that left a document does not have it. */
export function lacksDocument({ operationType, fullDocument }: ChangeEvent): boolean {
  return operationType !== 'delete' && (fullDocument === null || fullDocument === undefined);
}

/** The message of a change of one document. */
export function changeMessage(event: ChangeEvent, options: EnvelopeOptions): CapturedMessage {
  const { fullDocument, fullDocumentBeforeChange, documentKey, updateDescription } = event;
  const isDelete = event.operationType === 'delete';
  const isGone = lacksDocument(event);
  const known = fullDocument ?? fullDocumentBeforeChange;
  const { orderIdPath, eventTimePath } = options;
  const orderId = orderIdPath === undefined ? documentKey?._id : valueAt(known, orderIdPath);
  const eventTime = (eventTimePath === undefined ? undefined : valueAt(known, eventTimePath)) ?? event.wallTime;
  return message({
    changeId: event._id._data,
    operation: isGone ? VANISHED : event.operationType,
    orderId: keyOf(orderId ?? documentKey?._id),
    eventTime,
    clusterTime: event.clusterTime,
    document: isDelete ? undefined : (fullDocument ?? undefined),
    more: isGone && updateDescription !== undefined ? `,"update":${jsonOf(updateDescription)}` : '',
  });
}

/**
 * The message of a document that was there at `time`. Read again for the same time it has the same change id.
 * @param time of the snapshot, 16 hex digits: seconds and increment
 */
export function snapshotMessage(
  document: Readonly<Record<string, unknown>>,
  time: string,
  { orderIdPath, eventTimePath }: EnvelopeOptions,
): CapturedMessage {
  const id = document._id;
  const orderId = orderIdPath === undefined ? id : (valueAt(document, orderIdPath) ?? id);
  const seconds = Number.parseInt(time.slice(0, 8), 16);
  return message({
    changeId: snapshotChangeId(time, jsonOf(id)),
    operation: 'snapshot',
    orderId: keyOf(orderId),
    eventTime: (eventTimePath === undefined ? undefined : valueAt(document, eventTimePath)) ?? new Date(seconds * 1e3),
    clusterTime: undefined,
    document,
    more: '',
  });
}

/** Says in each partition where a snapshot begins and ends: orders that it does not have are gone. */
export function markerMessage(time: string, end: 'begin' | 'end', partition: number): CapturedMessage {
  return message({
    changeId: snapshotChangeId(time, `${end} ${partition}`),
    operation: `snapshot_${end}`,
    orderId: `snapshot:${time}`,
    eventTime: undefined,
    clusterTime: undefined,
    document: undefined,
    more: '',
  });
}

/** What goes to the topic of messages that are too large for their own. */
export function oversizeMessage({ key, bytes, operation, changeId }: CapturedMessage, limit: number): CapturedMessage {
  const value = JSON.stringify({ change_id: changeId, operation, order_id: key, bytes, limit });
  return { key, value, bytes: Buffer.byteLength(key) + Buffer.byteLength(value), operation, changeId };
}

/** In the layout of a resume token, so that it sorts with those of the stream. */
function snapshotChangeId(time: string, what: string): string {
  return `82${time}${createHash('sha256').update(what).digest('hex').slice(0, 32).toUpperCase()}`;
}

interface Parts {
  readonly changeId: string;
  readonly operation: string;
  readonly orderId: string;
  readonly eventTime: unknown;
  readonly clusterTime: Timestamp | undefined;
  readonly document: Readonly<Record<string, unknown>> | undefined;
  readonly more: string;
}

function message({ changeId, operation, orderId, eventTime, clusterTime, document, more }: Parts): CapturedMessage {
  let value = `{"change_id":"${changeId}","operation":"${operation}","order_id":${JSON.stringify(orderId)}`;
  if (eventTime !== undefined) value += `,"event_time":${jsonOf(eventTime)}`;
  if (clusterTime !== undefined) value += `,"cluster_time":${jsonOf(clusterTime)}`;
  value += more;
  if (document !== undefined) {
    const members = membersOf(document, LEFT_OUT);
    if (members !== '') value += `,${members}`;
    const clashing = OWN_FIELDS.filter((name) => Object.hasOwn(document, name));
    if (clashing.length > 0) {
      value += `,"document":{${clashing.map((name) => `${JSON.stringify(name)}:${jsonOf(document[name])}`).join(',')}}`;
    }
  }
  value += '}';
  return { key: orderId, value, bytes: Buffer.byteLength(orderId) + Buffer.byteLength(value), operation, changeId };
}
