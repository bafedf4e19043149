/**
 * BSON → JSON text that loses nothing: strings, booleans, null, 32-bit integers and finite doubles as JSON has them,
 * every other type in MongoDB's canonical extended JSON. Bytes become bytes: hardly an object is made between.
 */
import { BSON, Decimal128 } from 'mongodb';
import { type BsonValue, deserialized, endOf, FIRST, int32, nameEnd, TYPE } from './bson.js';

const START_BYTES = 1 << 16;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
/** Up to this length a loop writes text sooner than a call into Node does. */
const SHORT = 32;
const TWO_32 = 2 ** 32;
/** Upper halves of 64-bit integers whose values a double has exactly. */
const EXACT_HIGH = 1 << 20;

/** JSON of what is kept in place of what is hidden. */
export const STARS = '"***"';

/** A place in documents that has something to hide. */
export interface Masked {
  /** The masked places inside of it, by the names of members; elements of an array are in its own place. */
  readonly members: Pick<ReadonlyMap<string, Masked>, 'get'>;
  /** JSON of what is written in place of a value, but null, whose JSON it gets; undefined: only members are masked. */
  readonly mask: ((json: string) => string) | undefined;
}

/** JSON text that grows, in bytes of UTF-8. */
export class JsonText {
  #bytes = Buffer.allocUnsafe(START_BYTES);
  #length = 0;

  /** What was written, as bytes of its own; begins anew. */
  take(): Buffer {
    const taken = Buffer.allocUnsafe(this.#length);
    this.#bytes.copy(taken, 0, 0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Writes text of ASCII as it is. */
  ascii(text: string): void {
    this.#reserve(text.length);
    const bytes = this.#bytes;
    let length = this.#length;
    if (text.length > SHORT) {
      this.#length += bytes.write(text, length, 'latin1');
      return;
    }
    for (let at = 0; at < text.length; at++) bytes[length++] = text.charCodeAt(at);
    this.#length = length;
  }

  /** Writes a string as JSON has it. */
  text(text: string): void {
    const json = JSON.stringify(text);
    this.#reserve(json.length * 3);
    this.#length += this.#bytes.write(json, this.#length);
  }

  value(bytes: Buffer, type: number, at: number, masked?: Masked): void {
    if (masked !== undefined && type !== TYPE.null && type !== TYPE.undefined) {
      const isInside = masked.mask === undefined && (type === TYPE.document || type === TYPE.array);
      // Where an object has something to hide, another value may have all of it.
      if (!isInside) {
        this.#utf8(masked.mask?.(jsonOf({ bytes, type, at })) ?? STARS);
        return;
      }
    }
    switch (type) {
      case TYPE.string:
        this.#string(bytes, at + 4, at + 3 + int32(bytes, at));
        break;
      case TYPE.document:
        this.#document(bytes, at, masked);
        break;
      case TYPE.array:
        this.#array(bytes, at, masked);
        break;
      case TYPE.int32:
        this.ascii(String(int32(bytes, at)));
        break;
      case TYPE.double:
        this.ascii(doubleText(bytes.readDoubleLE(at)));
        break;
      case TYPE.bool:
        this.ascii(bytes[at] === 0 ? 'false' : 'true');
        break;
      case TYPE.null:
      case TYPE.undefined:
        this.ascii('null');
        break;
      case TYPE.int64:
        this.ascii(`{"$numberLong":"${int64Text(bytes, at)}"}`);
        break;
      case TYPE.decimal:
        this.ascii(`{"$numberDecimal":"${decimalText(bytes, at)}"}`);
        break;
      case TYPE.date:
        this.ascii(`{"$date":{"$numberLong":"${int64Text(bytes, at)}"}}`);
        break;
      case TYPE.objectId:
        this.ascii(`{"$oid":"${bytes.toString('hex', at, at + 12)}"}`);
        break;
      case TYPE.timestamp:
        this.ascii(`{"$timestamp":{"t":${int32(bytes, at + 4) >>> 0},"i":${int32(bytes, at) >>> 0}}}`);
        break;
      default:
        this.#utf8(BSON.EJSON.stringify(deserialized({ bytes, type, at }), { relaxed: false }));
    }
  }

  /** Writes `"name":value`. @param at of the element's name. @param around what is masked in its document */
  member(bytes: Buffer, type: number, at: number, around?: Masked): void {
    const end = nameEnd(bytes, at);
    this.#string(bytes, at, end);
    this.#byte(COLON);
    this.value(bytes, type, end + 1, around?.members.get(bytes.toString('utf8', at, end)));
  }

  #document(bytes: Buffer, start: number, masked?: Masked): void {
    this.ascii('{');
    for (let at = start + FIRST; bytes[at] !== 0; ) {
      if (at !== start + FIRST) this.#byte(COMMA);
      this.member(bytes, bytes[at], at + 1, masked);
      at = endOf(bytes, bytes[at], nameEnd(bytes, at + 1) + 1);
    }
    this.ascii('}');
  }

  #array(bytes: Buffer, start: number, masked?: Masked): void {
    this.ascii('[');
    for (let at = start + FIRST; bytes[at] !== 0; ) {
      if (at !== start + FIRST) this.#byte(COMMA);
      const from = nameEnd(bytes, at + 1) + 1;
      this.value(bytes, bytes[at], from, masked);
      at = endOf(bytes, bytes[at], from);
    }
    this.ascii(']');
  }

  /** Bytes that JSON has as they are, else by way of a string: what is no UTF-8 becomes U+FFFD. */
  #string(from: Buffer, start: number, end: number): void {
    this.#reserve(end - start + 2);
    const bytes = this.#bytes;
    let length = this.#length;
    bytes[length++] = QUOTE;
    for (let at = start; at < end; at++) {
      const byte = from[at];
      if (byte < 0x20 || byte > 0x7f || byte === QUOTE || byte === BACKSLASH) {
        this.text(from.toString('utf8', start, end));
        return;
      }
      bytes[length++] = byte;
    }
    bytes[length++] = QUOTE;
    this.#length = length;
  }

  #utf8(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = byte;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const scratch = new JsonText();

/** JSON text of a value; null if there is none. */
export function jsonOf(value: BsonValue | undefined): string {
  if (value === undefined) return 'null';
  scratch.value(value.bytes, value.type, value.at);
  return scratch.take().toString();
}

/** Minus zero keeps its sign, which String() drops. */
function doubleText(value: number): string {
  if (!Number.isFinite(value)) return `{"$numberDouble":"${value}"}`;
  return Object.is(value, -0) ? '-0' : String(value);
}

/** The digits of a 64-bit integer. */
export function int64Text(bytes: Buffer, at: number): string {
  const high = int32(bytes, at + 4);
  if (high >= -EXACT_HIGH && high < EXACT_HIGH) return String(high * TWO_32 + (int32(bytes, at) >>> 0));
  return String(bytes.readBigInt64LE(at));
}

/**
 * Of a coefficient that a double has exactly, with up to six digits more after the point; all others are left to the
 * driver. Sign, exponent of 14 bits and coefficient of 113 lie in this order, the lowest byte first.
 * Source: https://github.com/mongodb/specifications/blob/master/source/bson-decimal128/decimal128.md
 */
function decimalText(bytes: Buffer, at: number): string {
  const top = int32(bytes, at + 12);
  const middle = int32(bytes, at + 4) >>> 0;
  const exponent = ((top >>> 17) & 0x3fff) - 6176;
  const isSmall = (top & 0x1ffff) === 0 && int32(bytes, at + 8) === 0 && middle < EXACT_HIGH * 2;
  const digits = String(middle * TWO_32 + (int32(bytes, at) >>> 0));
  if (!isSmall || exponent > 0 || digits.length - 1 + exponent < -6) {
    return new Decimal128(bytes.subarray(at, at + 16)).toString();
  }
  const sign = top < 0 ? '-' : '';
  if (exponent === 0) return sign + digits;
  const point = digits.length + exponent;
  if (point > 0) return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
  return `${sign}0.${'0'.repeat(-point)}${digits}`;
}
