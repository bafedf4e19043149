/**
 * BSON values → JSON text that loses nothing: strings, booleans, null, 32-bit integers and finite doubles as JSON has
 * them, every other type in MongoDB's canonical extended JSON.
 *
 * Values come as the driver gives them with `promoteValues: false`: numbers as objects of their BSON types.
 */
import { BSON } from 'mongodb';

interface BsonValue {
  readonly _bsontype: string;
}

/** JSON text of any value; `undefined`, which BSON no longer has, is null. */
export function jsonOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (value === null || value === undefined) return 'null';
  if (typeof value !== 'object') return scalarOf(value);
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (value instanceof Date) return `{"$date":{"$numberLong":"${value.getTime()}"}}`;
  if ('_bsontype' in value) return bsonOf(value as BsonValue);
  return `{${membersOf(value as Readonly<Record<string, unknown>>)}}`;
}

/** `"name":value,…` of a document, in its order. @param skip names that are left out */
export function membersOf(document: Readonly<Record<string, unknown>>, skip?: ReadonlySet<string>): string {
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

/** A value as a key: strings and ObjectIds and integers plainly, all else as JSON text. */
export function keyOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const type = (value as BsonValue | null)?._bsontype;
  if (type === 'ObjectId') return (value as BSON.ObjectId).toHexString();
  if (type === 'Int32' || type === 'Long') return String(value);
  return jsonOf(value);
}

/** The value at a path of several levels; undefined where there is none. */
export function valueAt(document: Readonly<Record<string, unknown>> | null | undefined, path: string): unknown {
  let value: unknown = document;
  for (const name of path.split('.')) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}
