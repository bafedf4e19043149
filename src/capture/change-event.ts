/** A change event of MongoDB, as far as it matters here: its fields lie in the bytes that came. */
import { type BsonValue, documentOf, endOf, FIRST, memberOf, nameEnd, textOf } from './bson.js';

export interface ChangeEvent {
  /** `_data` of its resume token. */
  readonly token: string;
  readonly operationType: string;
  readonly clusterTime?: BsonValue;
  readonly wallTime?: BsonValue;
  readonly documentKey?: BsonValue;
  readonly fullDocument?: BsonValue;
  readonly fullDocumentBeforeChange?: BsonValue;
  readonly updateDescription?: BsonValue;
}

/** As the server sends it: an event, or a fragment of one. */
export interface StreamedEvent extends ChangeEvent {
  readonly splitEvent?: { readonly fragment: number; readonly of: number };
}

type Field = Exclude<keyof ChangeEvent, 'token' | 'operationType'>;
const FIELDS: ReadonlySet<string> = new Set<Field>([
  'clusterTime',
  'wallTime',
  'documentKey',
  'fullDocument',
  'fullDocumentBeforeChange',
  'updateDescription',
]);

/** Finds the fields of an event. @param bytes a document of the stream, which is kept as long as the event */
export function readEvent(bytes: Uint8Array): StreamedEvent {
  const document = documentOf(bytes);
  const event: { -readonly [name in keyof StreamedEvent]: StreamedEvent[name] } = { token: '', operationType: '' };
  const all = document.bytes;
  for (let at = FIRST; all[at] !== 0; ) {
    const type = all[at];
    const end = nameEnd(all, at + 1);
    const name = all.toString('latin1', at + 1, end);
    const value = { bytes: all, type, at: end + 1 };
    if (FIELDS.has(name)) event[name as Field] = value;
    else if (name === '_id') event.token = dataOf(value);
    else if (name === 'operationType') event.operationType = textOf(value);
    else if (name === 'splitEvent')
      event.splitEvent = { fragment: numberAt(value, 'fragment'), of: numberAt(value, 'of') };
    at = endOf(all, type, end + 1);
  }
  return event;
}

function dataOf(token: BsonValue): string {
  const data = memberOf(token, '_data');
  return data === undefined ? '' : textOf(data);
}

function numberAt(value: BsonValue, name: string): number {
  const member = memberOf(value, name);
  return member === undefined ? Number.NaN : member.bytes.readInt32LE(member.at);
}
