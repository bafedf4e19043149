/**
 * Messages of a capture by way of the driver's objects: what `src/capture` must make of the bytes, written plainly.
 * Values come with `promoteValues: false`: numbers as objects of their BSON types.
 */
import { BSON } from 'mongodb';

interface BsonValue {
  readonly _bsontype: string;
}

/** JSON text of any value; `undefined`, which BSON no longer has, is null. */
function jsonOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'object') return scalarOf(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value instanceof Date) return `{"$date":{"$numberLong":"${value.getTime()}"}}`;
  if ('_bsontype' in value) return bsonOf(value as BsonValue);
  return `{${membersOf(value as Readonly<Record<string, unknown>>)}}`;
}

/** `"name":value,…` of a document, in its order. @param skip names that are left out */
function membersOf(document: Readonly<Record<string, unknown>>, skip?: ReadonlySet<string>): string {
  let text = '';
  for (const name in document) {
    if (skip?.has(name)) continue;
    text += `${text === '' ? '' : ','}${JSON.stringify(name)}:${jsonOf(document[name])}`;
  }
  return text;
}

function scalarOf(value: unknown): string {
  if (typeof value === 'number') return Number.isFinite(value) ? numberOf(value) : `{"$numberDouble":"${value}"}`;
  return typeof value === 'bigint' ? `{"$numberLong":"${value}"}` : String(value);
}

function bsonOf(value: BsonValue): string {
  switch (value._bsontype) {
    case 'Int32':
      return String((value as BSON.Int32).value);
    case 'Double':
      return scalarOf((value as BSON.Double).value);
    case 'Long':
      return `{"$numberLong":"${value}"}`;
    case 'Decimal128':
      return `{"$numberDecimal":"${value}"}`;
    case 'ObjectId':
      return `{"$oid":"${(value as BSON.ObjectId).toHexString()}"}`;
    default:
      return BSON.EJSON.stringify(value, { relaxed: false });
  }
}

/** Minus zero keeps its sign, which String() drops. */
function numberOf(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

const NUMBERS = ['Int32', 'Long', 'Double', 'Decimal128'];
const TYPE_OF: Readonly<Record<string, string>> = {
  ObjectId: 'objectId',
  Binary: 'binData',
  Timestamp: 'timestamp',
  BSONRegExp: 'regex',
  BSONSymbol: 'symbol',
  MinKey: 'minKey',
  MaxKey: 'maxKey',
};

/** BSON's type of a value, by the names of `$type`. */
function typeOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'object') return typeof value === 'boolean' ? 'bool' : typeof value;
  if (Array.isArray(value)) return 'array';
  if (value instanceof Date) return 'date';
  const type = (value as Partial<BsonValue>)._bsontype;
  if (type === 'Code') return (value as BSON.Code).scope ? 'javascriptWithScope' : 'javascript';
  if (type !== undefined) return NUMBERS.includes(type) ? 'number' : TYPE_OF[type];
  return 'object';
}

/** A value as an order id: strings and ObjectIds and whole numbers plainly, all else as JSON text. */
function orderIdOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const type = (value as BsonValue | null)?._bsontype;
  if (type === 'ObjectId') return (value as BSON.ObjectId).toHexString();
  if (type === 'Int32' || type === 'Long') return String(value);
  const double = type === 'Double' ? (value as BSON.Double).value : Number.NaN;
  const isLarge = Math.abs(double) >= 2 ** 53 && Math.abs(double) < 1e21;
  return isLarge ? BigInt(double).toString() : jsonOf(value);
}

/** A string that another value could have as its key is a key in quotes. */
function keyOf(value: unknown): string {
  const id = orderIdOf(value);
  return typeof value === 'string' && (isJson(id) || /^[0-9a-f]{24}$|^snapshot:/i.test(id)) ? JSON.stringify(id) : id;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const OWN_FIELDS = ['change_id', 'operation', 'order_id', 'order_id_type', 'event_time', 'cluster_time', 'document'];
const LEFT_OUT = new Set(['_id', ...OWN_FIELDS]);

/** Key and value of the message of an event, with the order id from `_id` and the time from the event. */
export function referenceMessage(bytes: Uint8Array): { key: string; value: string } {
  const options = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true };
  const event = BSON.deserialize(bytes, options);
  const isDelete = event.operationType === 'delete';
  const isGone = !isDelete && (event.fullDocument === null || event.fullDocument === undefined);
  const id = event.documentKey?._id;
  let value = `{"change_id":"${event._id._data}","operation":"${isGone ? 'vanished' : event.operationType}"`;
  value += `,"order_id":${JSON.stringify(orderIdOf(id))},"order_id_type":"${typeOf(id)}"`;
  if (event.wallTime !== undefined) value += `,"event_time":${jsonOf(event.wallTime)}`;
  if (event.clusterTime !== undefined) value += `,"cluster_time":${jsonOf(event.clusterTime)}`;
  if (isGone && event.updateDescription !== undefined) value += `,"update":${jsonOf(event.updateDescription)}`;
  const document = isDelete ? undefined : event.fullDocument;
  if (document) {
    const members = membersOf(document, LEFT_OUT);
    if (members !== '') value += `,${members}`;
    const clashing = OWN_FIELDS.filter((name) => Object.hasOwn(document, name));
    if (clashing.length > 0) {
      value += `,"document":{${clashing.map((name) => `${JSON.stringify(name)}:${jsonOf(document[name])}`).join(',')}}`;
    }
  }
  return { key: keyOf(id), value: `${value}}` };
}
